import { InvalidOptionError } from './errors.js';

/** The allowed values of an option. The rules of the server, in `common/options.ts`, need Node.js. */
export interface ClientOptionRule {
  /** Completes the sentence "must be …". */
  readonly allowed: string;
  readonly accepts: (value: unknown) => boolean;
  /** The value must not appear in messages. */
  readonly isSecret?: boolean;
}

/** A rule for every option of a set. */
export type ClientOptionRules<Options> = { readonly [Name in keyof Required<Options>]: ClientOptionRule };

export function rule(allowed: string, accepts: (value: unknown) => boolean): ClientOptionRule {
  return { allowed, accepts };
}

/** @param noun Such as `a number of milliseconds`. */
export function atLeastOne(noun: string): ClientOptionRule {
  return rule(`${noun} of at least 1, or Infinity`, (value) => typeof value === 'number' && value >= 1);
}

export const MILLISECONDS = atLeastOne('a number of milliseconds');

export function objectWith(...methods: string[]): ClientOptionRule {
  return rule(`an object with ${methods.join(', ')}`, (value) =>
    methods.every((method) => typeof (value as Record<string, unknown> | null)?.[method] === 'function'),
  );
}

export const ABORT_SIGNAL = objectWith('addEventListener', 'removeEventListener');

/**
 * Checks a set of options. `undefined` is allowed for all of them.
 * @param prefix Precedes the names of the options in messages, such as `reconnect.`.
 * @throws InvalidOptionError for an invalid value, and for an option that does not exist.
 */
export function checkOptions<Options extends object>(
  options: Options,
  rules: ClientOptionRules<Options>,
  prefix = '',
): void {
  for (const name of Object.keys(options)) {
    const value = (options as Record<string, unknown>)[name];
    if (!Object.hasOwn(rules, name)) {
      throw invalidOption(prefix + name, value, `left out: the options are ${Object.keys(rules).join(', ')}`);
    }
    const { allowed, accepts, isSecret } = rules[name as keyof Options];
    if (value !== undefined && !accepts(value)) {
      throw invalidOption(prefix + name, isSecret ? typeof value : value, allowed);
    }
  }
}

/** Fills in the defaults of the options that are `undefined`. */
export function withDefaults<Options extends object>(options: Partial<Options>, defaults: Options): Options {
  const resolved = { ...defaults };
  for (const name in defaults) resolved[name] = options[name] ?? defaults[name];
  return resolved;
}

export function invalidOption(option: string, value: unknown, allowed: string): InvalidOptionError {
  const shown = Object(value) === value ? typeof value : String(value);
  return new InvalidOptionError(`WebWire option ${option} is ${JSON.stringify(shown)}, but must be ${allowed}`);
}
