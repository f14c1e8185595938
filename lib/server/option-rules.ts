import { inspect } from 'node:util';

/** An option that cannot be used. The message names the option, the value and what is allowed. */
export class InvalidOptionError extends Error {
  override readonly name = 'InvalidOptionError';
  readonly code = 'INVALID_OPTION';
}

/** What an option may be. */
export interface OptionRule {
  /** In words, to complete "must be …". */
  readonly allowed: string;
  readonly accepts: (value: unknown) => boolean;
}

/** A rule for every option of a set. */
export type OptionRules<Options> = { readonly [Name in keyof Required<Options>]: OptionRule };

export function integerBetween(min: number, max: number, unit: string): OptionRule {
  return {
    allowed: `an integer from ${min} to ${max} (${unit})`,
    accepts: (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
  };
}

export function stringThat(allowed: string, accepts: (value: string) => boolean): OptionRule {
  return { allowed, accepts: (value) => typeof value === 'string' && accepts(value) };
}

/**
 * Checks one option.
 * @param option Its name as the user wrote it, such as `gateways.ChatGateway.readTimeout`.
 * @throws InvalidOptionError
 */
export function check(option: string, value: unknown, rule: OptionRule): void {
  if (rule.accepts(value)) return;
  const shown = inspect(value, { depth: 0, maxStringLength: 64, breakLength: Infinity });
  throw new InvalidOptionError(`WebWire option ${option} is ${shown}, but must be ${rule.allowed}`);
}

/**
 * Checks a whole set of options; `undefined` counts as absent.
 * @param where What precedes the options' names in messages, such as `gateways.ChatGateway.`.
 * @throws InvalidOptionError for a bad value, and for an option that does not exist.
 */
export function checkAll<Options>(options: unknown, rules: OptionRules<Options>, where = ''): void {
  const names = Object.keys(rules);
  if (typeof options !== 'object' || options === null) {
    check(where.replace(/\.$/, '') || 'object', options, { allowed: 'an object', accepts: () => false });
  }
  for (const [name, value] of Object.entries(options as object)) {
    if (!Object.hasOwn(rules, name)) {
      throw new InvalidOptionError(`WebWire has no option ${where}${name}; there are: ${names.join(', ')}`);
    }
    if (value !== undefined) check(`${where}${name}`, value, rules[name as keyof Options]);
  }
}
