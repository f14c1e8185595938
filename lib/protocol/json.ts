/** A value that JSON would lose: its type, and the way to it from the whole value. */
interface Loss {
  readonly type: string;
  readonly path: string;
}

/**
 * A value as JSON.
 *
 * `JSON.stringify` writes `{}` for a Map, a promise or a generator, and the private parts of a stream. The receiver would take
 * that for the answer, so such values are refused. As usual, members of an object that are functions, symbols or
 * `undefined` are left out, and NaN, the infinities and `undefined` in an array become null.
 *
 * @throws TypeError that names the type and its place for a value that JSON cannot express: `undefined` alone, a
 *   function, a symbol, a BigInt, a cycle, an Error, a promise, a stream, an iterator, a Map, binary data in an object.
 */
export function toJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return primitiveToJson(value);
  let text: string | undefined;
  try {
    // Typed as string by TypeScript, but undefined where a toJSON method returns undefined.
    text = JSON.stringify(value) as string | undefined;
  } catch (error) {
    const bigint = findLoss(value, new Set());
    if (bigint) throw inexpressible(bigint);
    throw error;
  }
  if (text === undefined) throw inexpressible({ type: typeName(value), path: '' });
  const loss = findLoss(value);
  if (loss) throw inexpressible(loss);
  return text;
}

function primitiveToJson(value: unknown): string {
  if (typeof value === 'bigint' && !('toJSON' in BigInt.prototype)) throw inexpressible({ type: 'bigint', path: '' });
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw inexpressible({ type: typeof value, path: '' });
  return text;
}

/**
 * Finds the first value that `JSON.stringify` loses. It runs after `JSON.stringify`, which has refused cycles by then, and
 * takes a fraction of its time: a replacer function would double it.
 *
 * @param visited For a value that `JSON.stringify` refused: it may have cycles, and BigInts count.
 */
function findLoss(value: object, visited?: Set<object>): Loss | undefined {
  if (visited?.has(value)) return undefined;
  visited?.add(value);
  if (Array.isArray(value)) return findLossInArray(value, visited);
  // A value that says itself what it is in JSON.
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return undefined;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null && isLost(value)) return { type: typeName(value), path: '' };
  let isEmpty = true;
  for (const name in value) {
    isEmpty = false;
    const member = (value as Record<string, unknown>)[name];
    if (typeof member === 'object') {
      const loss = member === null ? undefined : findLoss(member, visited);
      if (loss) return within(nameOf(name), loss);
    } else if (typeof member === 'bigint' && visited) {
      return { type: 'bigint', path: nameOf(name) };
    }
  }
  if (isEmpty && isIterable(value)) return { type: typeName(value), path: '' };
  return undefined;
}

function findLossInArray(items: readonly unknown[], visited: Set<object> | undefined): Loss | undefined {
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    const type = typeof item;
    if (type === 'object') {
      const loss = item === null ? undefined : findLoss(item as object, visited);
      if (loss) return within(`[${index}]`, loss);
    } else if (type === 'function' || type === 'symbol' || (type === 'bigint' && visited)) {
      return { type, path: `[${index}]` };
    }
  }
  return undefined;
}

/** Looks at an instance of a class. An instance whose data are its own properties is fine. */
function isLost(value: object): boolean {
  const { then, pipe, on, subscribe } = value as Record<string, unknown>;
  if (typeof then === 'function') return true;
  // Node's streams, and Observables. A class of the application may well have one of these methods alone.
  if (typeof pipe === 'function' && (typeof on === 'function' || typeof subscribe === 'function')) return true;
  if (Symbol.asyncIterator in value || ArrayBuffer.isView(value)) return true;
  if (value instanceof Error || value instanceof Map || value instanceof Set) return true;
  const tag = tagOf(value);
  if (tag === 'Object' || tag === 'String' || tag === 'Number' || tag === 'Boolean') return false;
  // An object of the platform. A class of the application may have a tag, too, but then it has data.
  return tag === 'Error' || Object.keys(value).length === 0;
}

function isIterable(value: object): boolean {
  return Symbol.iterator in value || Symbol.asyncIterator in value;
}

function within(step: string, { type, path }: Loss): Loss {
  return { type, path: step + path };
}

function nameOf(member: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(member) ? `.${member}` : `[${JSON.stringify(member)}]`;
}

function typeName(value: object): string {
  const tag = tagOf(value);
  if (tag !== 'Object' && tag !== 'Error') return tag;
  const { constructor } = value as { constructor?: { name?: unknown } };
  return typeof constructor?.name === 'string' && constructor.name !== '' ? constructor.name : tag;
}

function tagOf(value: object): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1);
}

function inexpressible({ type, path }: Loss): TypeError {
  return new TypeError(`JSON cannot express a value of type ${type}${path === '' ? '' : ` (at ${path})`}`);
}
