import { Payload } from 'nestjs-webwire/protocol';
import { Readable } from 'node:stream';
import { of } from 'rxjs';
import { describe, expect, it } from 'vitest';

const jsonOf = (value: unknown) => Payload.json(value).text();

class Point {
  readonly #secret = 1;
  constructor(
    readonly x: number,
    readonly y: number,
  ) {}
  get sum() {
    return this.x + this.y + this.#secret;
  }
}
class Money {
  toJSON() {
    return '5 EUR';
  }
}
const EPOCH = '1970-01-01T00:00:00.000Z';

/** An object whose toJSON method returns a value that is made of it. */
function giving(make: (self: object) => unknown): object {
  class Giving {
    readonly a = 1;
    toJSON() {
      return make(this);
    }
  }
  return new Giving();
}
class Cart {
  readonly items = ['a'];
  *[Symbol.iterator]() {
    yield* this.items;
  }
}
class Newsletter {
  readonly topic = 'news';
  subscribe() {}
}
class Labelled {
  readonly name = 'x';
  get [Symbol.toStringTag]() {
    return 'Labelled';
  }
}
async function* rows() {
  yield 'row';
}
function* numbers() {
  yield 1;
}

describe('JSON', () => {
  it.each<[string, unknown, string]>([
    ['a plain object', { a: [1, 'b', null, true] }, '{"a":[1,"b",null,true]}'],
    ['an object without a prototype', Object.assign(Object.create(null) as object, { a: 1 }), '{"a":1}'],
    ['an empty object and list', [{}, []], '[{},[]]'],
    ['an instance of a class', new Point(1, 2), '{"x":1,"y":2}'],
    ['an instance without data', new (class Nothing {})(), '{}'],
    ['an object with toJSON', { price: new Money() }, '{"price":"5 EUR"}'],
    ['toJSON that returns the object itself', { own: giving((self) => self) }, '{"own":{"a":1}}'],
    ['toJSON that returns nothing', { u: giving(() => undefined), a: [giving(() => undefined)] }, '{"a":[null]}'],
    ['toJSON that returns a function', { f: giving(() => () => 1) }, '{}'],
    ['toJSON that returns an object with another toJSON', giving(() => ({ b: 1, toJSON: () => 2 })), '{"b":1}'],
    ['toJSON that returns objects with toJSON', [giving(() => [new Money(), new Date(0)])], `[["5 EUR","${EPOCH}"]]`],
    ['a function with toJSON', [Object.assign(() => 1, { toJSON: () => 2 })], '[2]'],
    ['a list with toJSON', Object.assign([new Map()], { toJSON: () => 'list' }), '"list"'],
    ['an inherited Map', Object.create({ inherited: new Map() }), '{}'],
    ['a date', [new Date(0)], '["1970-01-01T00:00:00.000Z"]'],
    ['a URL', new URL('ws://x/'), '"ws://x/"'],
    ['a Buffer in an object', { b: Buffer.from('a') }, '{"b":{"type":"Buffer","data":[97]}}'],
    ['a collection with data of its own', new Cart(), '{"items":["a"]}'],
    ['an instance with a method subscribe', [new Newsletter()], '[{"topic":"news"}]'],
    ['an instance with a tag', { l: new Labelled() }, '{"l":{"name":"x"}}'],
    ['boxed values', [Object(1), Object('a'), Object(true)], '[1,"a",true]'],
    ['members that are functions, symbols or undefined', { a: 1, f() {}, s: Symbol('s'), u: undefined }, '{"a":1}'],
    ['NaN and undefined in a list', [Number.NaN, undefined, Infinity], '[null,null,null]'],
    ['one object in two places', ((one) => [one, one])({ a: 1 }), '[{"a":1},{"a":1}]'],
  ])('expresses %s', (_what, value, text) => {
    expect(jsonOf(value)).toBe(text);
  });

  it.each<[type: string, make: () => unknown]>([
    ['Map', () => new Map([[1, 2]])],
    ['Set', () => new Set([1])],
    ['WeakMap', () => new WeakMap()],
    ['WeakSet', () => new WeakSet()],
    ['WeakRef', () => new WeakRef({})],
    ['Promise', async () => Promise.resolve(1)],
    ['AsyncGenerator', rows],
    ['Generator', numbers],
    ['Array Iterator', () => [1].values()],
    ['Map Iterator', () => new Map().keys()],
    ['Readable', () => Readable.from(['a'])],
    ['ReadableStream', () => new ReadableStream()],
    ['WritableStream', () => new WritableStream()],
    ['Blob', () => new Blob(['x'])],
    ['FormData', () => new FormData()],
    ['Headers', () => new Headers({ a: 'b' })],
    ['SharedArrayBuffer', () => new SharedArrayBuffer(2)],
    ['Error', () => new Error('x')],
    ['TypeError', () => Object.assign(new TypeError('x'), { code: 'E' })],
    ['RegExp', () => /x/],
    ['Observable', () => of(1)],
  ])('refuses a %s, at the top and within', (type, make) => {
    const message = (place: string) => `JSON cannot express a value of type ${place}`;
    expect(() => jsonOf(make())).toThrow(new TypeError(message(type)));
    expect(() => jsonOf({ a: [1, { 'b c': make() }] })).toThrow(new TypeError(message(`${type} (at .a[1]["b c"])`)));
    expect(() => jsonOf([new Point(make() as never, 1)])).toThrow(new TypeError(message(`${type} (at [0].x)`)));
  });

  it.each<[type: string, make: () => unknown]>([
    ['Map', () => new Map([[1, 2]])],
    ['Set', () => new Set([1])],
    ['Promise', async () => Promise.resolve(1)],
    ['Promise', async () => Promise.reject(new Error('of toJSON'))],
    ['Generator', numbers],
    ['AsyncGenerator', rows],
    ['Readable', () => Readable.from(['a'])],
    ['Headers', () => new Headers({ a: 'b' })],
    ['Uint8Array', () => new Uint8Array([1])],
    ['Error', () => new Error('x')],
    ['bigint', () => 1n],
    ['Object', () => ({ async *[Symbol.asyncIterator]() {} })],
  ])('refuses a toJSON method that returns a %s, at the top and within', (type, make) => {
    const message = (place: string) => new TypeError(`JSON cannot express a value of type ${place}`);
    expect(() => jsonOf(giving(make))).toThrow(message(type));
    expect(() => jsonOf({ a: [1, { 'b c': giving(make) }] })).toThrow(message(`${type} (at .a[1]["b c"])`));
    expect(() => jsonOf(giving(() => ({ a: [make()] })))).toThrow(message(`${type} (at .a[0])`));
    expect(() => jsonOf([giving(() => giving(make)), giving(make)])).toThrow(message(`${type} (at [1])`));
  });

  it('refuses a list item for which toJSON returns a function', () => {
    expect(() => jsonOf([giving(() => () => 1)])).toThrow('a value of type function (at [0])');
  });

  it('ignores the rejections of all promises that a toJSON method returns', () => {
    const failing = async () => Promise.reject(new Error('of toJSON'));
    expect(() => jsonOf(giving(() => [failing(), failing()]))).toThrow('a value of type Promise (at [0])');
  });

  it('calls a toJSON method once, with the name of the member', () => {
    const names: unknown[] = [];
    const toJSON = (name: unknown) => names.push(name);
    expect(jsonOf({ a: { toJSON }, b: [{ toJSON }] })).toBe('{"a":1,"b":[2]}');
    expect(names).toEqual(['a', '0']);
  });

  it.each<[string, unknown, string]>([
    ['a Uint8Array within', { bytes: new Uint8Array([1]) }, 'Uint8Array (at .bytes)'],
    ['an ArrayBuffer within', [new ArrayBuffer(1)], 'ArrayBuffer (at [0])'],
    ['a DataView within', { view: new DataView(new ArrayBuffer(1)) }, 'DataView (at .view)'],
    ['a Map with properties of its own', [Object.assign(new Map(), { own: 1 })], 'Map (at [0])'],
    ['a function in a list', { a: [() => 1] }, 'function (at .a[0])'],
    ['a symbol in a list', [Symbol('x')], 'symbol (at [0])'],
    ['a BigInt', 1n, 'bigint'],
    ['a BigInt within', { a: [{ b: 1n }] }, 'bigint (at .a[0].b)'],
    ['an asynchronous iterable', { async *[Symbol.asyncIterator]() {} }, 'Object'],
    ['a promise in a list', [1, Promise.resolve(2)], 'Promise (at [1])'],
    ['undefined', undefined, 'undefined'],
    ['a function', () => 1, 'function'],
    ['a symbol', Symbol('x'), 'symbol'],
  ])('refuses %s', (_what, value, described) => {
    expect(() => jsonOf(value)).toThrow(new TypeError(`JSON cannot express a value of type ${described}`));
  });

  it('refuses cycles, with BigInts in them too', () => {
    const cycle: Record<string, unknown> = { list: [] };
    cycle.self = cycle;
    expect(() => jsonOf(cycle)).toThrow(/circular/);
    (cycle.list as unknown[]).push(cycle, 1n);
    expect(() => jsonOf(cycle)).toThrow('bigint (at .list[1])');
  });

  it('refuses many objects that all refer to each other', () => {
    const objects: object[] = Array.from({ length: 50 }, () => ({}));
    for (const object of objects) Object.assign(object, objects);
    expect(() => jsonOf(objects)).toThrow(/circular/);
  });

  it('passes on an error of a toJSON method', () => {
    const failing = {
      toJSON() {
        throw new RangeError('no');
      },
    };
    expect(() => jsonOf({ failing })).toThrow(new RangeError('no'));
  });
});
