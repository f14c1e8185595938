import { inspect } from 'node:util';
import { InvalidOptionError } from '../protocol/errors.js';

export { InvalidOptionError };

/** The accepted values of an option. */
export interface OptionRule {
  /** Completes the error text "must be …". */
  readonly allowed: string;
  readonly accepts: (value: unknown) => boolean;
  /** True if the value may hold keys or passwords, which error messages must not show. */
  readonly isSecret?: boolean;
}

/** A rule for every option of a set. */
export type OptionRules<Options> = { readonly [Name in keyof Required<Options>]: OptionRule };

export function integerBetween(min: number, max: number, unit: string): OptionRule {
  return {
    allowed: `an integer from ${min} to ${max} (${unit})`,
    accepts: (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
  };
}

export function countOrInfinity(unit: string): OptionRule {
  return {
    allowed: `an integer of at least 1 (${unit}), or Infinity`,
    accepts: (value) => value === Infinity || (Number.isInteger(value) && (value as number) >= 1),
  };
}

export function stringThat(allowed: string, accepts: (value: string) => boolean): OptionRule {
  return { allowed, accepts: (value) => typeof value === 'string' && accepts(value) };
}

/**
 * Checks one option.
 * @param option Name of the option as the user wrote it, such as `gateways.ChatGateway.readTimeout`.
 * @throws InvalidOptionError if the rule does not accept the value.
 */
export function check(option: string, value: unknown, rule: OptionRule): void {
  if (rule.accepts(value)) return;
  const shown = rule.isSecret
    ? 'not shown here, as it may be secret'
    : inspect(value, { depth: 0, maxStringLength: 64, breakLength: Infinity });
  throw new InvalidOptionError(`WebWire option ${option} is ${shown}, but must be ${rule.allowed}`);
}

/**
 * Checks a whole set of options; `undefined` counts as absent.
 *
 * @param where Prefix of the options' names in error messages, such as `gateways.ChatGateway.`.
 * @returns A plain object with the given options, including those that come from a prototype or an accessor.
 * @throws InvalidOptionError for a bad value, and for an option that does not exist.
 */
export function checkAll<Options extends object>(options: unknown, rules: OptionRules<Options>, where = ''): Options {
  const names = Object.keys(rules) as (keyof Options & string)[];
  check(where.replace(/\.$/, '') || 'object', options, OBJECT_RULE);
  for (const name of Object.keys(options as object)) {
    if (!Object.hasOwn(rules, name)) {
      throw new InvalidOptionError(`WebWire has no option ${where}${name}; there are: ${names.join(', ')}`);
    }
  }
  const given: Partial<Options> = {};
  for (const name of names) {
    const value = (options as Options)[name];
    if (value === undefined) continue;
    check(`${where}${name}`, value, rules[name]);
    given[name] = value;
  }
  return given as Options;
}

/** A set of options: an object, but not a collection. */
export const OBJECT_RULE: OptionRule = {
  allowed: 'an object of options',
  accepts: (value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(Symbol.iterator in value),
};
