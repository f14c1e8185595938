import {
  isAnyArrayBuffer,
  isBoxedPrimitive,
  isDataView,
  isMap,
  isNativeError,
  isRegExp,
  isSet,
  isTypedArray,
} from 'node:util/types';
import { losesContent } from '../../protocol/json.js';

/** Maximum depth and maximum number of values of the content that a message includes. The rest is left out. */
const MAX_CONTENT_DEPTH = 10;
const MAX_VALUES = 1_000;

/** Maximum length of a message, in characters. */
const MAX_CONTENT_LENGTH = 8_192;

/**
 * Makes the message for the client from the content of an exception. Text is used as it is. An object with a `message` is replaced
 * by this `message`. A list of texts is joined, and any other content becomes JSON, with bytes as lists of numbers. Errors are
 * left out at any depth, because their text is for the log. Promises, streams and other values that JSON cannot express are left
 * out, too.
 *
 * @param fallback The message if the content is empty.
 * @param hasCode `true` if the client gets the code of the content separately. Then the message does not include it.
 */
export function contentToMessage(content: unknown, fallback: string, hasCode = false): string {
  try {
    const omitted = hasCode && codeOfContent(content) !== undefined ? 'code' : undefined;
    return cut(describeContent(content, omitted) ?? fallback);
  } catch {
    // A getter or a proxy failed.
    return fallback;
  }
}

/** The `code` in the content of an exception, if any. Codes of Errors are ignored: they come from drivers or Node.js. */
export function codeOfContent(content: unknown): string | undefined {
  try {
    const code = isObject(content) && !isError(content) ? (content as { code?: unknown }).code : undefined;
    return typeof code === 'string' && code !== '' ? code : undefined;
  } catch {
    return undefined;
  }
}

function describeContent(content: unknown, omitted: 'code' | undefined): string | undefined {
  if (!isObject(content)) return describePrimitive(content);
  if (isError(content)) return undefined;
  const { message } = content as { message?: unknown };
  if (message === undefined || message === null) return describeStructure(content, omitted);
  return isObject(message) ? describeStructure(message) : describePrimitive(message);
}

function describePrimitive(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint'
    ? String(value)
    : undefined;
}

function describeStructure(value: object, omitted?: 'code'): string | undefined {
  const copy = copyFor(value, { values: MAX_VALUES }, []);
  if (Array.isArray(copy)) {
    const items: unknown[] = copy;
    if (items.length === 0) return undefined;
    if (items.every((item) => typeof item === 'string')) return items.join('; ');
  } else if (!isObject(copy)) {
    return describePrimitive(copy);
  } else {
    if (omitted) Reflect.deleteProperty(copy, omitted);
    if (Object.keys(copy).length === 0) return undefined;
  }
  return JSON.stringify(copy);
}

/** A copy that JSON can represent: without Errors and circular references, and cut to the limits above. */
function copyFor(value: unknown, budget: { values: number }, ancestors: readonly object[]): unknown {
  if (typeof value === 'bigint') return String(value);
  if (!isObject(value)) return typeof value === 'function' || typeof value === 'symbol' ? undefined : value;
  if (isError(value) || ancestors.includes(value) || ancestors.length >= MAX_CONTENT_DEPTH) return undefined;
  const path = [...ancestors, value];
  const { toJSON } = value as { toJSON?: unknown };
  const json: unknown = typeof toJSON === 'function' ? toJSON.call(value) : value;
  return json === value ? copyObject(value, budget, path) : copyFor(json, budget, path);
}

function copyObject(value: object, budget: { values: number }, path: readonly object[]): unknown {
  if (isBoxedPrimitive(value)) return copyFor(value.valueOf(), budget, path);
  if (isRegExp(value)) return String(value);
  if (isMap(value)) return copyMap(value, budget, path);
  if (Array.isArray(value) || isSet(value) || isTypedArray(value)) {
    return copyItems(value as Iterable<unknown>, budget, path);
  }
  if (isAnyArrayBuffer(value)) return copyItems(new Uint8Array(value), budget, path);
  if (isDataView(value)) {
    return copyItems(new Uint8Array(value.buffer, value.byteOffset, value.byteLength), budget, path);
  }
  if (losesContent(value)) {
    // The promise is not awaited, so its rejection would end the process.
    if (value instanceof Promise) value.catch(() => undefined);
    return undefined;
  }
  return copyMembers(value, budget, path);
}

function copyItems(items: Iterable<unknown>, budget: { values: number }, path: readonly object[]): unknown[] {
  const copies: unknown[] = [];
  for (const item of items) {
    if (budget.values-- <= 0) break;
    const copy = copyFor(item, budget, path);
    if (copy !== undefined) copies.push(copy);
  }
  return copies;
}

/** Copies a Map as an object if its keys can be distinct property names, otherwise as a list of pairs. */
function copyMap(
  map: ReadonlyMap<unknown, unknown>,
  budget: { values: number },
  path: readonly object[],
): Record<string, unknown> | unknown[] {
  const entries: [key: unknown, member: unknown][] = [];
  for (const [key, member] of map) {
    if (budget.values-- <= 0) break;
    const [keyCopy, copy] = [copyFor(key, budget, path), copyFor(member, budget, path)];
    if (keyCopy !== undefined && copy !== undefined) entries.push([keyCopy, copy]);
  }
  const object = Object.fromEntries(entries) as Record<string, unknown>;
  const hasNames = entries.every(([key]) => !isObject(key)) && Object.keys(object).length === entries.length;
  return hasNames ? object : entries;
}

function copyMembers(value: object, budget: { values: number }, path: readonly object[]): Record<string, unknown> {
  const members: [string, unknown][] = [];
  for (const name of Object.keys(value)) {
    if (budget.values-- <= 0) break;
    const copy = copyFor((value as Record<string, unknown>)[name], budget, path);
    if (copy !== undefined) members.push([name, copy]);
  }
  return Object.fromEntries(members);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isError(value: object): boolean {
  return value instanceof Error || isNativeError(value);
}

function cut(text: string): string {
  return text.length <= MAX_CONTENT_LENGTH ? text : `${text.slice(0, MAX_CONTENT_LENGTH)}…`;
}
