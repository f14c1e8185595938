/** A value that JSON cannot express: its type, and the path to it. */
interface Loss {
  readonly type: string;
  readonly path: string;
}

/**
 * Converts a value to JSON.
 *
 * `JSON.stringify()` writes `{}` for a Map, a promise or a generator, and the internal members of a stream. The receiver could
 * not see that data is missing, so this function throws for such values. Otherwise it does the same: it leaves out members of an
 * object that are functions, symbols or `undefined`, and writes `null` for NaN and the infinities, and for `undefined` in an array.
 *
 * @throws TypeError for a value that JSON cannot express: `undefined` itself, a function, a symbol, a BigInt, a cycle, an Error,
 *   a promise, a stream, an iterator, a Map, binary data in an object. The message names the type and the path.
 */
export function toJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return primitiveToJson(value);
  let text: string | undefined;
  try {
    // The return type should include undefined: a toJSON() method may return it.
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
 * Finds the first value whose content `JSON.stringify()` loses. It is called after `JSON.stringify()`, which throws for cycles,
 * and takes a fraction of its time; a replacer function would double the time.
 *
 * @param visited Set for a value for which `JSON.stringify()` threw: then there may be cycles, and BigInts are found, too.
 */
function findLoss(value: object, visited?: Set<object>): Loss | undefined {
  if (visited?.has(value)) return undefined;
  visited?.add(value);
  if (Array.isArray(value)) return findLossInArray(value, visited);
  // The value defines its own JSON.
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return undefined;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null && isLost(value)) return { type: typeName(value), path: '' };
  let isEmpty = true;
  for (const name in value) {
    isEmpty = false;
    const member = (value as Record<string, unknown>)[name];
    if (typeof member === 'object') {
      const loss = member === null ? undefined : findLoss(member, visited);
      if (loss) return prependPath(memberStep(name), loss);
    } else if (typeof member === 'bigint' && visited) {
      return { type: 'bigint', path: memberStep(name) };
    }
  }
  if (isEmpty && hasIterator(value)) return { type: typeName(value), path: '' };
  return undefined;
}

function findLossInArray(items: readonly unknown[], visited: Set<object> | undefined): Loss | undefined {
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    const type = typeof item;
    if (type === 'object') {
      const loss = item === null ? undefined : findLoss(item as object, visited);
      if (loss) return prependPath(`[${index}]`, loss);
    } else if (type === 'function' || type === 'symbol' || (type === 'bigint' && visited)) {
      return { type, path: `[${index}]` };
    }
  }
  return undefined;
}

/** Checks an instance of a class. JSON can express an instance whose data are its own properties. */
function isLost(value: object): boolean {
  const { then, pipe, on, subscribe } = value as Record<string, unknown>;
  if (typeof then === 'function') return true;
  // Streams of Node.js, and Observables. An application's own class may have a `pipe` method, too, so one is not enough.
  if (typeof pipe === 'function' && (typeof on === 'function' || typeof subscribe === 'function')) return true;
  if (Symbol.asyncIterator in value || ArrayBuffer.isView(value)) return true;
  if (value instanceof Error || value instanceof Map || value instanceof Set) return true;
  const tag = tagOf(value);
  if (tag === 'Object' || tag === 'String' || tag === 'Number' || tag === 'Boolean') return false;
  // An object of the platform has a tag and no own properties. An application's own class with a tag has properties.
  return tag === 'Error' || Object.keys(value).length === 0;
}

function hasIterator(value: object): boolean {
  return Symbol.iterator in value || Symbol.asyncIterator in value;
}

function prependPath(step: string, { type, path }: Loss): Loss {
  return { type, path: step + path };
}

function memberStep(member: string): string {
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
