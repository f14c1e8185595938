import { isPromiseLike } from '../protocol/promise.js';

/**
 * Ignores the rejections of all promises in a value that is refused. Nobody awaits them, and an unhandled rejection would end the
 * process. Never throws.
 */
export function ignoreRejections(value: unknown): void {
  search(value, new Set());
}

/** @param visited The objects that were searched already: the value may have cycles. */
function search(value: unknown, visited: Set<object>): void {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || visited.has(value)) return;
  visited.add(value);
  try {
    if (isPromiseLike(value)) {
      Promise.resolve(value).catch(() => undefined);
      return;
    }
    for (const member of contentsOf(value)) search(member, visited);
  } catch {
    // A getter that throws, or a value that is nested too deeply, must not hide the error with which the value is refused.
  }
}

function contentsOf(value: object): Iterable<unknown> {
  if (value instanceof Map) return [...value.keys(), ...value.values()];
  return value instanceof Set ? value : Object.values(value);
}
