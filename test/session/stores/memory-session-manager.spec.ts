import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { InvalidOptionError } from '../../../lib/common/options.js';
import { MemorySessionManager } from '../../../lib/session/stores/memory-session-manager.js';
import { newSession } from '../new-session.js';

const NOW = Date.parse('2026-11-22T08:00:00Z');

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the memory session manager', () => {
  it('finds a created session, with the time of the lookup before', () => {
    const manager = new MemorySessionManager();
    manager.onSessionCreated(newSession('key', { user: 'ann' }));
    vi.setSystemTime(NOW + 1000);
    const created = { createdAt: new Date(NOW), info: { user: 'ann' } };
    expect(manager.onSessionLookup('key')).toEqual({ ...created, lastLookupAt: new Date(NOW) });
    vi.setSystemTime(NOW + 2000);
    expect(manager.onSessionLookup('key')).toEqual({ ...created, lastLookupAt: new Date(NOW + 1000) });
  });

  it('returns null for other keys', () => {
    const manager = new MemorySessionManager();
    manager.onSessionCreated(newSession('key'));
    for (const key of ['', 'ke', 'key2', 'KEY', '__proto__']) expect(manager.onSessionLookup(key)).toBeNull();
  });

  it('keeps info null without any', () => {
    const manager = new MemorySessionManager();
    manager.onSessionCreated(newSession('key'));
    expect(manager.onSessionLookup('key')?.info).toBeNull();
  });

  it('does not find a closed session, and closes one that does not exist', () => {
    const manager = new MemorySessionManager();
    manager.onSessionCreated(newSession('key'));
    manager.onSessionCreated(newSession('other'));
    manager.onSessionClosed('key');
    manager.onSessionClosed('key');
    expect(manager.onSessionLookup('key')).toBeNull();
    expect(manager.onSessionLookup('other')).not.toBeNull();
  });

  it('returns records that share nothing mutable', () => {
    const manager = new MemorySessionManager();
    manager.onSessionCreated(newSession('key', { list: [1] }));
    const record = manager.onSessionLookup('key')!;
    record.createdAt.setTime(0);
    record.lastLookupAt.setTime(0);
    expect(() => (record.info!.list as number[]).push(2)).toThrow(TypeError);
    const again = { createdAt: new Date(NOW), lastLookupAt: new Date(NOW), info: { list: [1] } };
    expect(manager.onSessionLookup('key')).toEqual(again);
  });

  it('does not store without a session', () => {
    const manager = new MemorySessionManager();
    expect(() => manager.onSessionCreated({ id: '1', session: null })).toThrow('the connection has no session');
  });

  it('shows no keys', () => {
    const manager = new MemorySessionManager();
    manager.onSessionCreated(newSession('secret-key'));
    expect(inspect(manager, { depth: Infinity, showHidden: true })).not.toContain('secret-key');
  });
});

describe('its maxAge', () => {
  it('is infinite by default', () => {
    const manager = new MemorySessionManager();
    manager.onSessionCreated(newSession('key'));
    vi.setSystemTime(NOW + 1e12);
    expect(manager.onSessionLookup('key')).not.toBeNull();
  });

  it('counts from the last lookup', () => {
    const manager = new MemorySessionManager({ maxAge: 1000 });
    manager.onSessionCreated(newSession('key'));
    for (const time of [1000, 2000, 3000]) {
      vi.setSystemTime(NOW + time);
      expect(manager.onSessionLookup('key')).not.toBeNull();
    }
    vi.setSystemTime(NOW + 4001);
    expect(manager.onSessionLookup('key')).toBeNull();
  });

  it('removes expired sessions that are not looked up', () => {
    const manager = new MemorySessionManager({ maxAge: 1000 });
    for (let index = 0; index < 500; index++) {
      vi.setSystemTime(NOW + index * 100);
      manager.onSessionCreated(newSession(`key ${index}`));
      manager.onSessionLookup('key 0');
      expect(manager.size).toBeLessThanOrEqual(12);
    }
    expect(manager.onSessionLookup('key 0')).not.toBeNull();
  });

  it('holds for a session that is stored as old', () => {
    const manager = new MemorySessionManager({ maxAge: 1000 });
    manager.onSessionCreated(newSession('new'));
    vi.setSystemTime(NOW - 5000);
    const old = newSession('old');
    vi.setSystemTime(NOW);
    manager.onSessionCreated(old);
    expect(manager.onSessionLookup('old')).toBeNull();
  });

  it.each([0, -1, 0.5, Number.NaN, '1000', null, {}])('cannot be %o', (maxAge) => {
    expect(() => new MemorySessionManager({ maxAge: maxAge as number })).toThrow(
      new InvalidOptionError(
        `WebWire option MemorySessionManager.maxAge is ${inspect(maxAge)}, ` +
          'but must be an integer of at least 1 (milliseconds), or Infinity',
      ),
    );
  });
});
