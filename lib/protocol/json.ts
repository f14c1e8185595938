/** A value that JSON cannot express: its type, and the path to it. */
interface Loss {
  readonly type: string;
  readonly path: string;
}

/**
 * Converts a value to JSON.
 *
 * `JSON.stringify()` writes `{}` for a Map, a promise or a generator, and the internal members of a stream. The receiver could
 * not see that data is missing, so this function throws for such values, also if a `toJSON()` method returns them. Otherwise it
 * does the same: it leaves out members of an object that are functions, symbols or `undefined`, and writes `null` for NaN and the
 * infinities, and for `undefined` in an array. An instance of a class counts by its own properties; private fields are left out.
 *
 * @throws TypeError for a value that JSON cannot express: `undefined` itself, a function, a symbol, a BigInt, a cycle, an Error,
 *   a promise, a stream, an iterator, a Map, binary data in an object. The message names the type and the path.
 */
export function toJson(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  const search = new LossSearch(TRACKED_DEPTH);
  const loss = search.find(value, true, 0);
  // Its path may go around a cycle, so it is searched again.
  if (loss) throw inexpressible(new LossSearch(0).find(value, true, 0) ?? loss);
  // The return type should include undefined: a toJSON() method may return it.
  const text = search.hasToJson ? stringifyChecked(value) : (JSON.stringify(value) as string | undefined);
  if (text === undefined) throw inexpressible({ type: typeOf(value), path: '' });
  return text;
}

/** Visited objects are remembered from this depth on, because most values are not as deep, and every cycle is. */
const TRACKED_DEPTH = 3;

/**
 * Finds the first value whose content `JSON.stringify()` loses. It takes a fraction of the time of `JSON.stringify()`, while a
 * replacer function doubles that time.
 */
class LossSearch {
  /** There is a toJSON() method, whose result was not searched. */
  hasToJson = false;
  /** There may be cycles, for which `JSON.stringify()` throws. */
  #visited: Set<object> | undefined;

  /** @param trackedDepth Objects at this depth or deeper are searched once. */
  constructor(private readonly trackedDepth: number) {}

  /** @param isItem `false` for a member of an object, which JSON leaves out if it is a function or a symbol. */
  find(value: unknown, isItem: boolean, depth: number): Loss | undefined {
    switch (typeof value) {
      case 'object':
        return value === null ? undefined : this.#findIn(value, depth);
      case 'bigint':
        if (!('toJSON' in BigInt.prototype)) return lossOf(value);
        this.hasToJson = true;
        return undefined;
      case 'function':
        if (!('toJSON' in value)) return isItem ? lossOf(value) : undefined;
        this.hasToJson = true;
        return undefined;
      case 'symbol':
        return isItem ? lossOf(value) : undefined;
      default:
        return undefined;
    }
  }

  #findIn(value: object, depth: number): Loss | undefined {
    if (depth >= this.trackedDepth) {
      this.#visited ??= new Set();
      if (this.#visited.has(value)) return undefined;
      this.#visited.add(value);
    }
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === 'function') {
      if (toJSON !== Date.prototype.toJSON) this.hasToJson = true;
      return undefined;
    }
    if (Array.isArray(value)) return this.#findInArray(value, depth);
    if (isLostInstance(value)) return lossOf(value);
    let isEmpty = true;
    for (const name in value) {
      isEmpty = false;
      const loss = this.find((value as Record<string, unknown>)[name], false, depth + 1);
      // JSON leaves out inherited members.
      if (loss && Object.hasOwn(value, name)) return prependPath(memberStep(name), loss);
    }
    return isEmpty && hasIterator(value) ? lossOf(value) : undefined;
  }

  #findInArray(items: readonly unknown[], depth: number): Loss | undefined {
    for (let index = 0; index < items.length; index++) {
      const loss = this.find(items[index], true, depth + 1);
      if (loss) return prependPath(`[${index}]`, loss);
    }
    return undefined;
  }
}

/** Does the same as `JSON.stringify()`, but also checks the results of toJSON() methods, each of which it calls once. */
function stringifyChecked(value: unknown): string | undefined {
  const places = new Map<object, readonly [holder: object, key: string]>();
  let found: Loss | undefined;
  const text = JSON.stringify(value, function check(this: object, key: string, member: unknown) {
    if (isLostMember(member, this)) {
      found ??= prependPath(pathTo(this, key, places), lossOf(member));
      // Nobody awaits a promise that a toJSON() method made. Its rejection must not end the process.
      if (member instanceof Promise) member.catch(() => undefined);
      return undefined;
    }
    if (typeof member === 'object' && member !== null) places.set(member, [this, key]);
    return member;
  }) as string | undefined;
  if (found) throw inexpressible(found);
  return text;
}

function isLostMember(member: unknown, holder: object): boolean {
  if (typeof member === 'object') return member !== null && losesContent(member);
  if (typeof member === 'bigint') return true;
  return Array.isArray(holder) && (typeof member === 'function' || typeof member === 'symbol');
}

/** Checks if `JSON.stringify()` loses the content of an object itself, without its members and toJSON() method. */
export function losesContent(value: object): boolean {
  if (Array.isArray(value)) return false;
  return isLostInstance(value) || (Object.keys(value).length === 0 && hasIterator(value));
}

/** @param places The place of each object. `JSON.stringify()` wraps the value itself in another object, which has none. */
function pathTo(holder: object, key: string, places: ReadonlyMap<object, readonly [object, string]>): string {
  const place = places.get(holder);
  if (!place) return '';
  return pathTo(...place, places) + (Array.isArray(holder) ? `[${key}]` : memberStep(key));
}

/** Checks for an instance of a class whose data are not its own properties. */
function isLostInstance(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return false;
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

function lossOf(value: unknown): Loss {
  return { type: typeOf(value), path: '' };
}

function prependPath(step: string, { type, path }: Loss): Loss {
  return { type, path: step + path };
}

function memberStep(member: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(member) ? `.${member}` : `[${JSON.stringify(member)}]`;
}

function typeOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return typeof value;
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
