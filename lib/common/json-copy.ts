import { ignoreRejections } from './ignore-rejections.js';

/** A value that JSON can express. */
export type JsonValue =
  string | number | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue };

/** JSON cannot express a value. The message begins with the path of the value. */
export class NotJsonError extends Error {
  override readonly name = 'NotJsonError';
}

/** Deepest nesting of objects. Without a limit, recursion could exhaust the stack. */
const MAX_DEPTH = 100;

/** The objects around a value, from the outside in. */
type Ancestors = readonly object[];

/**
 * A deeply frozen copy. Members that are `undefined` are left out and -0 becomes 0, as in JSON.
 * @param path The name of the value in messages.
 * @throws NotJsonError for a value that JSON cannot express, or that it would give back as another one, such as a `Date`.
 */
export function copyJson(value: unknown, path: string): JsonValue {
  try {
    return copy(value, path, []);
  } catch (error) {
    ignoreRejections(value);
    throw error;
  }
}

function copy(value: unknown, path: string, ancestors: Ancestors): JsonValue {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : throwUnstorable(path, String(value));
  if (typeof value !== 'object') return throwUnstorable(path, kindOf(value));
  if (ancestors.includes(value)) return throwNotJson(path, 'refers back to an object that it is in; remove the circle');
  if (ancestors.length >= MAX_DEPTH) return throwNotJson(path, `is nested more than ${MAX_DEPTH} levels deep`);
  const inside = [...ancestors, value];
  if (Array.isArray(value)) return copyArray(value, path, inside);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return throwUnstorable(path, 'an instance of a class');
  assertNoSymbols(value, path);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.freeze(
    Object.fromEntries(members.map(([name, member]) => [name, copy(member, memberPath(path, name), inside)])),
  );
}

function copyArray(array: readonly unknown[], path: string, inside: Ancestors): JsonValue {
  const items = Array.from(array, (item, index) => copy(item, `${path}[${index}]`, inside));
  const extra = Object.keys(array).find((name) => !isIndexOf(array, name));
  if (extra !== undefined) throwUnstorable(memberPath(path, extra), 'a named member of an array');
  assertNoSymbols(array, path);
  return Object.freeze(items);
}

function isIndexOf(array: readonly unknown[], name: string): boolean {
  const index = Number(name);
  return String(index) === name && index < array.length;
}

function assertNoSymbols(value: object, path: string): void {
  const symbol = Object.getOwnPropertySymbols(value).find((name) =>
    Object.prototype.propertyIsEnumerable.call(value, name),
  );
  if (symbol !== undefined) throwUnstorable(`${path}[${String(symbol)}]`, 'a member named by a symbol');
}

function memberPath(path: string, name: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? `${path}.${name}` : `${path}[${JSON.stringify(name)}]`;
}

/** Describes a value that is not of the right kind. */
export function kindOf(value: unknown): string {
  return value === undefined || value === null ? String(value) : `a ${typeof value}`;
}

function throwUnstorable(path: string, value: string): never {
  return throwNotJson(path, `is ${value}, which JSON cannot hold`);
}

function throwNotJson(path: string, problem: string): never {
  throw new NotJsonError(`${path} ${problem}`);
}
