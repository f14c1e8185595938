import { SessionError } from './session-error.js';

/** A value that JSON can express. */
export type JsonValue =
  string | number | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue };

/** What an application keeps in a session. */
export type SessionInfo = { readonly [name: string]: JsonValue };

/** Deeper nesting is refused before it exhausts the stack. */
const MAX_DEPTH = 100;

/**
 * A deeply frozen copy; members that are `undefined` are left out, as JSON does.
 * @throws SessionError `INVALID_SESSION_INFO`, naming the place, for what JSON cannot express and for what would come
 *   back as something else, such as a `Date`.
 */
export function copySessionInfo(info: object): SessionInfo {
  if (Array.isArray(info)) refuse('info', 'an array');
  // Stores of an application's own may hand over anything.
  if (typeof info !== 'object' || info === null) refuse('info', `a ${typeof info} alone`);
  return copy(info, 'info', []) as SessionInfo;
}

/** @param within The objects that the value is in. */
function copy(value: unknown, place: string, within: readonly object[]): JsonValue {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : refuse(place, String(value));
  if (typeof value !== 'object') return refuse(place, `a ${typeof value}`);
  if (within.includes(value)) return refuse(place, 'nested in a member of its own, or in itself (circular)');
  if (within.length >= MAX_DEPTH) return refuse(place, `nested more than ${MAX_DEPTH} levels deep, or in itself`);
  const inner = [...within, value];
  if (Array.isArray(value)) {
    return Object.freeze(Array.from(value, (item, index) => copy(item, `${place}[${index}]`, inner)));
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return refuse(place, 'an instance of a class');
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.freeze(
    Object.fromEntries(members.map(([name, member]) => [name, copy(member, `${place}.${name}`, inner)])),
  );
}

function refuse(place: string, what: string): never {
  throw new SessionError('INVALID_SESSION_INFO', `session ${place} is ${what}, which JSON cannot hold`);
}
