import { InvalidOptionError } from './errors.js';

/** What an option may be. */
export interface OptionRule {
  /** In words, to complete "must be …". */
  readonly allowed: string;
  readonly accepts: (value: unknown) => boolean;
}

/** A rule for every option of a set. */
export type OptionRules<Options> = { readonly [Name in keyof Required<Options>]: OptionRule };

export function rule(allowed: string, accepts: (value: unknown) => boolean): OptionRule {
  return { allowed, accepts };
}

/** @param what Such as `a number of milliseconds`. */
export function atLeastOne(what: string): OptionRule {
  return rule(`${what} of at least 1, or Infinity`, (value) => typeof value === 'number' && value >= 1);
}

export const MILLISECONDS = atLeastOne('a number of milliseconds');

export function objectWith(...methods: string[]): OptionRule {
  return rule(`an object with ${methods.join(', ')}`, (value) => {
    if (typeof value !== 'object' && typeof value !== 'function') return false;
    return methods.every((method) => typeof (value as Record<string, unknown> | null)?.[method] === 'function');
  });
}

/**
 * Checks a set of options; `undefined` counts as absent.
 * @param where What precedes the names of the options in messages, such as `reconnect.`.
 * @throws InvalidOptionError for a bad value, and for an option that does not exist.
 */
export function checkOptions<Options extends object>(options: Options, rules: OptionRules<Options>, where = ''): void {
  for (const name of Object.keys(options)) {
    const value = (options as Record<string, unknown>)[name];
    if (!Object.hasOwn(rules, name)) {
      throw invalidOption(where + name, value, `left out: the options are ${Object.keys(rules).join(', ')}`);
    }
    const { allowed, accepts } = rules[name as keyof Options];
    if (value !== undefined && !accepts(value)) throw invalidOption(where + name, value, allowed);
  }
}

export function invalidOption(option: string, value: unknown, allowed: string): InvalidOptionError {
  const isShown =
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === undefined;
  const shown = isShown ? String(value) : typeof value;
  return new InvalidOptionError(`WebWire option ${option} is "${shown}", but must be ${allowed}`);
}
