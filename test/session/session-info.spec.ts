import { describe, expect, it } from 'vitest';
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

  it('is frozen throughout, and shares nothing with what it was made of', () => {
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

  it('takes objects without a prototype', () => {
    expect(copySessionInfo(Object.assign(Object.create(null) as object, { a: 1 }))).toEqual({ a: 1 });
  });

  it('keeps a member named __proto__ a member', () => {
    const copy = copySessionInfo(JSON.parse('{"__proto__":{"admin":true},"a":{"__proto__":1}}') as object);
    expect(JSON.stringify(copy)).toBe('{"__proto__":{"admin":true},"a":{"__proto__":1}}');
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
    expect('admin' in copy).toBe(false);
  });

  it('takes one object in several places', () => {
    const shared = { a: 1 };
    expect(copySessionInfo({ one: shared, two: [shared] })).toEqual({ one: { a: 1 }, two: [{ a: 1 }] });
  });

  it('takes 100 levels, and not one more', () => {
    expect(JSON.stringify(copySessionInfo(nested(100)))).toBe(JSON.stringify(nested(100)));
    expect(refusalOf(() => copySessionInfo(nested(101)))).toMatch(
      /^INVALID_SESSION_INFO: session info(\.a){100} is nested more than 100 levels deep, or in itself/,
    );
  });

  it('is refused when it contains itself', () => {
    const object: Record<string, unknown> = {};
    object.self = object;
    const list: unknown[] = [];
    list.push(list, list);
    const chain: Record<string, unknown> = { a: { b: [{}] } };
    (chain as { a: { b: object[] } }).a.b[0] = { back: chain };
    expect(refusalOf(() => copySessionInfo(object))).toContain(
      'session info.self is nested in a member of its own, or in itself (circular)',
    );
    expect(refusalOf(() => copySessionInfo({ list }))).toContain('session info.list[0] is nested in');
    expect(refusalOf(() => copySessionInfo(chain))).toContain('session info.a.b[0].back is nested in');
  });

  it.each<[string, object, string]>([
    ['an array', [1], 'info is an array'],
    ['a date', new Date(), 'info is an instance of a class'],
    ['a date in it', { user: { since: new Date() } }, 'info.user.since is an instance of a class'],
    ['a map', { a: new Map() }, 'info.a is an instance of a class'],
    ['bytes', { a: Buffer.from('a') }, 'info.a is an instance of a class'],
    ['a boxed string', { a: Object('a') as unknown }, 'info.a is an instance of a class'],
    ['a function', { a: [1, () => 1] }, 'info.a[1] is a function'],
    ['a symbol', { a: Symbol('a') }, 'info.a is a symbol'],
    ['a bigint', { a: { b: [[1n]] } }, 'info.a.b[0][0] is a bigint'],
    ['not a number', { a: Number.NaN }, 'info.a is NaN'],
    ['infinity', { a: [-Infinity] }, 'info.a[0] is -Infinity'],
    ['undefined in an array', { a: [1, undefined] }, 'info.a[1] is a undefined'],
    // oxlint-disable-next-line no-sparse-arrays
    ['a hole in an array', { a: [1, , 2] }, 'info.a[1] is a undefined'],
  ])('is refused with %s', (_, info, place) => {
    expect(refusalOf(() => copySessionInfo(info))).toBe(
      `INVALID_SESSION_INFO: session ${place}, which JSON cannot hold`,
    );
  });
});
