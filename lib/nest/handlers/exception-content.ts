import { isNativeError } from 'node:util/types';

/** Levels of nesting that a message shows, and values that it shows in all. */
const MAX_DEPTH = 10;
const MAX_VALUES = 1_000;

/** Length of a message made of structured content, in characters. */
const MAX_LENGTH = 8_192;

/**
 * The message for the client, of the content that an exception was made with.
 *
 * Text is the message itself. Of an object, its `message` is; a list of texts is joined; other content is JSON. An Error
 * among it is left out, at any depth: its text is for the log.
 *
 * @param fallback The message if nothing is left to say.
 * @param omitted A member that the client gets anyway.
 */
export function contentToMessage(content: unknown, fallback: string, omitted?: 'code'): string {
  try {
    return cut(describe(content, omitted) ?? fallback);
  } catch {
    // A getter or a proxy failed.
    return fallback;
  }
}

/** The code in the content of an exception, if there is one. The code of an Error is that of a driver or of Node.js. */
export function codeOfContent(content: unknown): string | undefined {
  try {
    const code = isObject(content) && !isError(content) ? (content as { code?: unknown }).code : undefined;
    return typeof code === 'string' && code !== '' ? code : undefined;
  } catch {
    return undefined;
  }
}

function describe(content: unknown, omitted: 'code' | undefined): string | undefined {
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

/** A copy that JSON can express, without Errors, cycles, and parts that are too deep or too many. */
function copyFor(value: unknown, budget: { values: number }, ancestors: readonly object[]): unknown {
  if (typeof value === 'bigint') return String(value);
  if (!isObject(value)) return typeof value === 'function' || typeof value === 'symbol' ? undefined : value;
  if (isError(value) || ancestors.includes(value) || ancestors.length >= MAX_DEPTH) return undefined;
  const path = [...ancestors, value];
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === 'function') return copyFor(toJSON.call(value), budget, path);
  if (value instanceof Map) return copyFor(Object.fromEntries(value as Map<string, unknown>), budget, path);
  if (Array.isArray(value) || value instanceof Set) {
    const items: unknown[] = [];
    for (const item of value as Iterable<unknown>) {
      if (budget.values-- <= 0) break;
      const copy = copyFor(item, budget, path);
      if (copy !== undefined) items.push(copy);
    }
    return items;
  }
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
  return text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH)}…`;
}
