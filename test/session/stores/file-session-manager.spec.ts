import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FileSessionManager } from '../../../lib/session/stores/file/file-session-manager.js';
import { failureOf, MIB, RECORDED, RECORDED_KEY, setUp } from './file-store.js';
import { newSession } from '../new-session.js';

const NOW = Date.parse('2026-11-23T08:00:00Z');

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('the file session manager', () => {
  it('writes one file per session, in the format of the protocol', async () => {
    const { directory, manager } = setUp();
    vi.useFakeTimers({ toFake: ['Date'], now: NOW });
    await manager.onSessionCreated(newSession('with-info', { user: 'ann', level: 7 }));
    await manager.onSessionCreated(newSession('without_info='));
    expect(readdirSync(directory).sort()).toEqual(['with-info.wwrsess', 'without_info=.wwrsess']);
    const times = '"c":"2026-11-23T08:00:00.000Z","l":"2026-11-23T08:00:00.000Z"';
    expect(readFileSync(join(directory, 'with-info.wwrsess'), 'utf8')).toBe(`{${times},"i":{"user":"ann","level":7}}`);
    expect(readFileSync(join(directory, 'without_info=.wwrsess'), 'utf8')).toBe(`{${times},"i":null}`);
  });

  it('finds a created session, with the time of the lookup before', async () => {
    const { manager } = setUp();
    vi.useFakeTimers({ toFake: ['Date'], now: NOW });
    await manager.onSessionCreated(newSession('key', { user: 'ann' }));
    const created = { createdAt: new Date(NOW), info: { user: 'ann' } };
    vi.setSystemTime(NOW + 1000);
    expect(await manager.onSessionLookup('key')).toEqual({ ...created, lastLookupAt: new Date(NOW) });
    vi.setSystemTime(NOW + 2000);
    expect(await manager.onSessionLookup('key')).toEqual({ ...created, lastLookupAt: new Date(NOW + 1000) });
  });

  it('finds a session of the reference implementation, and keeps all digits of its creation time', async () => {
    const { directory, manager } = setUp();
    mkdirSync(directory);
    const path = join(directory, `${RECORDED_KEY}.wwrsess`);
    copyFileSync(RECORDED, path);
    vi.useFakeTimers({ toFake: ['Date'], now: NOW });
    expect(await manager.onSessionLookup(RECORDED_KEY)).toEqual({
      createdAt: new Date('2026-11-22T08:32:02.206Z'),
      lastLookupAt: new Date('2026-11-22T08:23:39.887Z'),
      info: { user: 'secret', level: 7 },
    });
    expect(readFileSync(path, 'utf8')).toBe(
      '{"c":"2026-11-22T08:32:02.206995728Z","l":"2026-11-23T08:00:00.000Z","i":{"level":7,"user":"secret"}}',
    );
  });

  it('finds sessions of a manager before it', async () => {
    const { directory, manager } = setUp();
    await manager.onSessionCreated(newSession('key', { user: 'ann' }));
    const next = new FileSessionManager({ directory });
    expect(await next.onSessionLookup('key')).toMatchObject({ info: { user: 'ann' } });
  });

  it('keeps info unchanged: null without any, and members named __proto__', async () => {
    const { manager } = setUp();
    const info = JSON.parse('{"__proto__":{"admin":true},"text":"\\ud800 ї\\u0000"}') as { text: string };
    await manager.onSessionCreated(newSession('with', info));
    await manager.onSessionCreated(newSession('without'));
    await manager.onSessionLookup('with');
    expect(JSON.stringify((await manager.onSessionLookup('with'))?.info)).toBe(JSON.stringify(info));
    expect((await manager.onSessionLookup('without'))?.info).toBeNull();
  });

  it('does not find a closed session, and closes one that does not exist', async () => {
    const { directory, manager } = setUp();
    await manager.onSessionClosed('key');
    await manager.onSessionCreated(newSession('key'));
    await manager.onSessionCreated(newSession('other'));
    await manager.onSessionClosed('key');
    await manager.onSessionClosed('key');
    expect(await manager.onSessionLookup('key')).toBeNull();
    expect(readdirSync(directory)).toEqual(['other.wwrsess']);
  });

  it('makes no directory for a lookup', async () => {
    const { directory, manager } = setUp();
    expect(await manager.onSessionLookup('key')).toBeNull();
    expect(existsSync(directory)).toBe(false);
  });

  it('stores sessions up to the size that it can read', async () => {
    const { directory, manager } = setUp();
    const { length } = JSON.stringify({ c: new Date(), l: new Date(), i: { text: '' } });
    await manager.onSessionCreated(newSession('fits', { text: 'x'.repeat(MIB - length) }));
    expect(await manager.onSessionLookup('fits')).not.toBeNull();
    const failure = await failureOf(
      manager.onSessionCreated(newSession('too-large', { text: 'x'.repeat(MIB - length + 1) })),
    );
    expect(failure.code).toBe('INVALID_SESSION_INFO');
    expect(failure.message).toBe('the session takes 1048577 bytes, but may take 1048576 at most');
    expect(readdirSync(directory)).toEqual(['fits.wwrsess']);
  });

  it('does not store without a session', async () => {
    const { manager } = setUp();
    const failure = await failureOf(manager.onSessionCreated({ id: '1', session: null }));
    expect(failure.message).toBe('the connection has no session to store');
  });

  it('runs the operations on one session one after the other, those of all managers of the process', async () => {
    const { directory, manager } = setUp();
    const other = new FileSessionManager({ directory: relative(process.cwd(), directory) });
    for (let round = 0; round < 20; round++) {
      const found = await Promise.all([
        manager.onSessionCreated(newSession('key', { round })),
        other.onSessionLookup('key'),
        manager.onSessionLookup('key'),
        other.onSessionClosed('key'),
        manager.onSessionLookup('key'),
        other.onSessionCreated(newSession('key', { again: round })),
        ...Array.from({ length: 5 }, () => manager.onSessionLookup('key')),
        other.onSessionClosed('key'),
      ]);
      const again = Array.from({ length: 5 }, () => ({ again: round }));
      expect(found.map((record) => record && record.info)).toEqual([
        undefined,
        { round },
        { round },
        undefined,
        null,
        undefined,
        ...again,
        undefined,
      ]);
      expect(readdirSync(directory)).toEqual([]);
    }
  });

  it('works on many sessions at once', async () => {
    const { directory, manager } = setUp();
    const keys = Array.from({ length: 200 }, (_, index) => `key-${index}`);
    await Promise.all(keys.map((key) => manager.onSessionCreated(newSession(key, { key }))));
    const found = await Promise.all(keys.map((key) => manager.onSessionLookup(key)));
    expect(found.map((record) => record?.info?.key)).toEqual(keys);
    expect(readdirSync(directory)).toHaveLength(200);
  });
});
