/**
 * Checks for a `then` method instead of the class: some libraries have promises of their own. Most values are text or bytes, for
 * which looking for a method that does not exist would be slow.
 */
export function isPromiseLike<Value>(value: Value | PromiseLike<Value>): value is PromiseLike<Value> {
  if (typeof value === 'string' || ArrayBuffer.isView(value)) return false;
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
