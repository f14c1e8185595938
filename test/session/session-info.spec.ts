import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { copySessionInfo } from '../../lib/session/session-info.js';
import { refusalOf } from './refusal.js';

function nested(levels: number): object {
  let info: object = {};
  for (let level = 1; level < levels; level++) info = { a: info };
  return info;
}

describe('session info', () => {
  it('is copied with every kind of JSON value', () => {
    const info = { text: 'x', number: -1.5, yes: true, nothing: null, list: [1, ['a', {}]], object: { a: { b: 1 } } };
    expect(copySessionInfo(info)).toEqual(info);
  });

  it('is deeply frozen, and shares nothing with the original', () => {
    const info = { object: { list: [{ a: 1 }] } };
    const copy = copySessionInfo(info) as typeof info;
    info.object.list[0]!.a = 2;
    info.object.list.push({ a: 3 });
    expect(copy).toEqual({ object: { list: [{ a: 1 }] } });
    for (const value of [copy, copy.object, copy.object.list, copy.object.list[0]]) {
      expect(Object.isFrozen(value)).toBe(true);
    }
  });

  it('loses members that are undefined', () => {
    expect(Object.keys(copySessionInfo({ a: undefined, b: { c: undefined }, d: 1 }))).toEqual(['b', 'd']);
  });

  it('accepts objects without a prototype', () => {
    expect(copySessionInfo(Object.assign(Object.create(null) as object, { a: 1 }))).toEqual({ a: 1 });
  });

  it('keeps a member named __proto__ a member', () => {
    const copy = copySessionInfo(JSON.parse('{"__proto__":{"admin":true},"a":{"__proto__":1}}') as object);
    expect(JSON.stringify(copy)).toBe('{"__proto__":{"admin":true},"a":{"__proto__":1}}');
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
    expect('admin' in copy).toBe(false);
  });

  it('can contain one object several times', () => {
    const shared = { a: 1 };
    expect(copySessionInfo({ one: shared, two: [shared] })).toEqual({ one: { a: 1 }, two: [{ a: 1 }] });
  });

  it('can have 100 levels, and not one more', () => {
    expect(JSON.stringify(copySessionInfo(nested(100)))).toBe(JSON.stringify(nested(100)));
    expect(refusalOf(() => copySessionInfo(nested(101)))).toMatch(
      /^INVALID_SESSION_INFO: session info(\.a){100} is nested more than 100 levels deep$/,
    );
  });

  it.each<[string, (promise: Promise<never>) => object]>([
    ['a list', (promise) => ({ list: [promise] })],
    ['a member after another bad value', (promise) => ({ map: new Map(), promise })],
    ['a Map', (promise) => ({ map: new Map([['a', promise]]) })],
    ['the info itself', (promise) => promise],
    ['a list as the info', (promise) => [promise]],
  ])('with a promise in %s is refused, and its rejection is not unhandled', async (_, infoOf) => {
    const unhandled = vi.fn<() => void>();
    process.on('unhandledRejection', unhandled);
    onTestFinished(() => void process.off('unhandledRejection', unhandled));
    const promise = Promise.reject(new Error('nobody awaits this'));
    expect(refusalOf(() => copySessionInfo(infoOf(promise)))).toMatch(/^INVALID_SESSION_INFO: session info/);
    await nextTurn();
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('is refused when it contains itself', () => {
    const object: Record<string, unknown> = {};
    object.self = object;
    const list: unknown[] = [];
    list.push(list, list);
    expect(refusalOf(() => copySessionInfo(object))).toBe(
      'INVALID_SESSION_INFO: session info.self refers back to an object that it is in; remove the circle',
    );
    expect(refusalOf(() => copySessionInfo({ list }))).toContain('session info.list[0] refers back');
    expect(refusalOf(() => copySessionInfo({ a: { b: [{ c: object }] } }))).toContain('info.a.b[0].c.self refers back');
  });

  it.each<[unknown, string]>([
    [[1], 'an array'],
    ['text', 'a string'],
    [1, 'a number'],
    [undefined, 'undefined'],
    [null, 'null'],
    [() => 1, 'a function'],
  ])('is refused if it is not an object: %o', (info, kind) => {
    expect(refusalOf(() => copySessionInfo(info as object))).toBe(
      `INVALID_SESSION_INFO: session info is ${kind}, but must be an object`,
    );
  });

  it('is the same after a round trip through JSON', () => {
    const info = copySessionInfo({
      text: '\ud800 \u2028 "\\\0',
      zero: -0,
      small: 5e-324,
      big: Number.MAX_VALUE,
      '': [[], {}, -0],
      '\udfff': true,
      toJSON: 'text',
    });
    expect(JSON.parse(JSON.stringify(info))).toStrictEqual(info);
    expect(Object.is(info.zero, 0)).toBe(true);
  });

  it('has no limit for its size', () => {
    const text = 'x'.repeat(5_000_000);
    expect(copySessionInfo({ text })).toEqual({ text });
  });

  it('names a member that is no identifier with quotation marks', () => {
    expect(refusalOf(() => copySessionInfo({ 'a b\n': { 1: 1n } }))).toContain(
      'session info["a b\\n"]["1"] is a bigint',
    );
  });

  it.each<[string, object, string]>([
    ['a date', new Date(), 'info is an instance of a class'],
    ['a date in it', { user: { since: new Date() } }, 'info.user.since is an instance of a class'],
    ['a map', { a: new Map() }, 'info.a is an instance of a class'],
    ['bytes', { a: Buffer.from('a') }, 'info.a is an instance of a class'],
    ['a boxed string', { a: Object('a') as unknown }, 'info.a is an instance of a class'],
    ['a function', { a: [1, () => 1] }, 'info.a[1] is a function'],
    ['a symbol', { a: Symbol('a') }, 'info.a is a symbol'],
    ['a bigint', { a: { b: [[1n]] } }, 'info.a.b[0][0] is a bigint'],
    ['a member named by a symbol', { a: { [Symbol('b')]: 1 } }, 'info.a[Symbol(b)] is a member named by a symbol'],
    [
      'a symbol in an array',
      { a: Object.assign([1], { [Symbol('b')]: 1 }) },
      'info.a[Symbol(b)] is a member named by a symbol',
    ],
    ['a named member of an array', { a: Object.assign([1], { b: 1 }) }, 'info.a.b is a named member of an array'],
    ['a match of a regular expression', { a: /b/.exec('b') }, 'info.a.index is a named member of an array'],
    ['a set', { a: new Set([1]) }, 'info.a is an instance of a class'],
    ['an error', { a: new Error('b') }, 'info.a is an instance of a class'],
    ['a method toJSON', { a: { toJSON: () => 1 } }, 'info.a.toJSON is a function'],
    ['a promise', { a: Promise.resolve(1) }, 'info.a is an instance of a class'],
    ['not a number', { a: Number.NaN }, 'info.a is NaN'],
    ['infinity', { a: [-Infinity] }, 'info.a[0] is -Infinity'],
    ['undefined in an array', { a: [1, undefined] }, 'info.a[1] is undefined'],
    // oxlint-disable-next-line no-sparse-arrays
    ['a hole in an array', { a: [1, , 2] }, 'info.a[1] is undefined'],
  ])('is refused with %s', (_, info, place) => {
    expect(refusalOf(() => copySessionInfo(info))).toBe(
      `INVALID_SESSION_INFO: session ${place}, which JSON cannot hold`,
    );
  });
});
