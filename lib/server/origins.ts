import { inspect } from 'node:util';
import { ignoreRejections } from '../common/ignore-rejections.js';
import type { OptionRule } from '../common/options.js';

/** Origins of the web pages that may connect, or a function that returns true for them. */
export type Origins = string | RegExp | readonly (string | RegExp)[] | ((origin: string | undefined) => boolean);

/** Scheme and host, as browsers send them. Paths are an error: `https://example.com/` would never match. */
const ORIGIN = /^(?:null|[a-z][a-z0-9+.-]*:\/\/[^\s/?#]+)$/i;

/** Values of the option `origins`. */
export const ORIGINS_RULE: OptionRule = {
  allowed: 'an origin such as "https://example.com", a RegExp, an array of these, or a function',
  accepts: (value) => typeof value === 'function' || asArray(value).every(isOriginOrPattern),
};

/**
 * Decides by its header `Origin` whether a client may connect. The check prevents that a page acts in the name of a user who
 * visits it. Programs other than browsers send no `Origin`; they may connect unless a function rejects `undefined`.
 *
 * @throws TypeError if the function does not return a boolean. A promise would be truthy, and would admit every client.
 */
export function allowsOrigin(origins: Origins | undefined, origin: string | undefined): boolean {
  if (origins === undefined) return true;
  if (typeof origins === 'function') return checkDecision(origins(origin));
  if (origin === undefined) return true;
  return asArray(origins).some((allowed) =>
    typeof allowed === 'string' ? allowed.toLowerCase() === origin.toLowerCase() : origin.search(allowed) !== -1,
  );
}

function checkDecision(decision: unknown): boolean {
  if (typeof decision === 'boolean') return decision;
  ignoreRejections(decision);
  throw new TypeError(`the function of the WebWire option origins returned ${inspect(decision)} instead of a boolean`);
}

function asArray<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

function isOriginOrPattern(value: unknown): boolean {
  return value instanceof RegExp || (typeof value === 'string' && ORIGIN.test(value));
}
