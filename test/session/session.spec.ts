import { describe, expect, it } from 'vitest';
import { Session } from '../../lib/session/session.js';
import { refusalOf } from './refusal.js';

const createdAt = new Date('2026-11-22T08:32:02.206Z');
const lastLookupAt = new Date('2026-11-22T09:23:39.887Z');

describe('a session', () => {
  it('has the values that it was made with', () => {
    const session = new Session('key', { createdAt, lastLookupAt, info: { user: 'ann' } });
    const { key, info } = session;
    expect({ key, createdAt: session.createdAt, lastLookupAt: session.lastLookupAt, info }).toEqual({
      key: 'key',
      createdAt,
      lastLookupAt,
      info: { user: 'ann' },
    });
  });

  it('does not change with the values that it was made with', () => {
    const record = { createdAt: new Date(1), lastLookupAt: new Date(2), info: { list: [1] } };
    const session = new Session('key', record);
    record.createdAt.setTime(3);
    record.lastLookupAt.setTime(3);
    record.info.list.push(2);
    expect(session.toJSON()).toEqual({
      k: 'key',
      c: '1970-01-01T00:00:00.001Z',
      l: '1970-01-01T00:00:00.002Z',
      i: { list: [1] },
    });
  });

  it('does not change with the values that it returns', () => {
    const session = new Session('key', { createdAt, lastLookupAt, info: { list: [1] } });
    session.createdAt.setTime(0);
    session.lastLookupAt.setTime(0);
    expect(session.createdAt).toEqual(createdAt);
    expect(session.lastLookupAt).toEqual(lastLookupAt);
    expect(() => (session.info!.list as number[]).push(2)).toThrow(TypeError);
    expect(() => Object.assign(session, { key: 'other' })).toThrow(TypeError);
  });

  it.each([undefined, null])('has no info with %s', (info) => {
    const session = new Session('key', { createdAt, lastLookupAt, info });
    expect(session.info).toBeUndefined();
    expect(JSON.stringify(session)).toBe('{"k":"key","c":"2026-11-22T08:32:02.206Z","l":"2026-11-22T09:23:39.887Z"}');
  });

  it('is serialised in the order of the protocol', () => {
    const session = new Session('key', { info: { user: 'ann' }, lastLookupAt, createdAt });
    expect(JSON.stringify(session)).toBe(
      '{"k":"key","c":"2026-11-22T08:32:02.206Z","l":"2026-11-22T09:23:39.887Z","i":{"user":"ann"}}',
    );
  });

  it('is refused with a date that is not valid', () => {
    expect(refusalOf(() => new Session('key', { createdAt, lastLookupAt: new Date('x') }))).toBe(
      'INVALID_SESSION_INFO: session lastLookupAt is not a valid Date',
    );
  });

  it('is refused with info that is not JSON, without the key in the error', () => {
    const info = { a: 1n as unknown as number };
    const refusal = refusalOf(() => new Session('secret-key', { createdAt, lastLookupAt, info }));
    expect(refusal).toBe('INVALID_SESSION_INFO: session info.a is a bigint, which JSON cannot hold');
  });
});
