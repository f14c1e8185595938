import { inspect } from 'node:util';

/**
 * Checks the option `maxAge` of a session manager.
 * @returns Milliseconds; `Infinity` for `undefined`.
 * @throws TypeError
 */
export function checkMaxAge(manager: string, maxAge: unknown): number {
  if (maxAge === undefined) return Infinity;
  if (typeof maxAge === 'number' && maxAge > 0) return maxAge;
  throw badOption(manager, 'maxAge', maxAge, 'a number above 0 (ms), or Infinity for sessions that do not expire');
}

/** The error for an option of a session manager that cannot be used. */
export function badOption(manager: string, option: string, value: unknown, allowed: string): TypeError {
  const shown = inspect(value, { depth: 0, maxStringLength: 64, breakLength: Infinity });
  return new TypeError(`${manager} option ${option} is ${shown}, but must be ${allowed}`);
}
