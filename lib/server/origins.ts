import { inspect } from 'node:util';
import type { OptionRule } from '../common/options.js';

/** Which web pages may connect: their origins, or a function that decides. */
export type Origins = string | RegExp | readonly (string | RegExp)[] | ((origin: string | undefined) => boolean);

/** Scheme and host, as browsers send them; no path, so that `https://example.com/`, which none sends, is noticed. */
const ORIGIN = /^(?:null|[a-z][a-z0-9+.-]*:\/\/[^\s/?#]+)$/i;

/** What the option `origins` may be. */
export const ORIGINS_RULE: OptionRule = {
  allowed: 'an origin such as "https://example.com", a RegExp, an array of these, or a function',
  accepts: (value) => typeof value === 'function' || asArray(value).every(isOriginOrPattern),
};

/**
 * Whether a client may connect that sends this `Origin`. Programs other than browsers send none, and are not what the
 * check is for (a page that a user visits must not act in that user's name): only a function is asked about them.
 *
 * @throws TypeError if the function does not decide; a promise, taken for a yes, would let everybody in.
 */
export function allowsOrigin(origins: Origins | undefined, origin: string | undefined): boolean {
  if (origins === undefined) return true;
  if (typeof origins === 'function') return decided(origins(origin));
  if (origin === undefined) return true;
  return asArray(origins).some((allowed) =>
    typeof allowed === 'string' ? allowed.toLowerCase() === origin.toLowerCase() : origin.search(allowed) !== -1,
  );
}

function decided(decision: unknown): boolean {
  if (typeof decision === 'boolean') return decision;
  throw new TypeError(`the function of the WebWire option origins returned ${inspect(decision)} instead of a boolean`);
}

function asArray<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

function isOriginOrPattern(value: unknown): boolean {
  return value instanceof RegExp || (typeof value === 'string' && ORIGIN.test(value));
}
