import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FileSessionManager } from '../../../lib/session/stores/file/file-session-manager.js';
import { KeyedQueue } from '../../../lib/common/keyed-queue.js';
import { InvalidOptionError } from '../../../lib/common/options.js';
import { compileSessions } from '../compiled.js';
import { newSession } from '../new-session.js';
import { temporaryDirectory } from '../temporary-directory.js';

const NOW = Date.parse('2026-11-23T08:00:00Z');
const HOUR = 60 * 60 * 1000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'], now: NOW });
});
afterEach(() => {
  // First, as a spy on a fake timer puts the fake timer back.
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A manager that was used. */
async function setUp(maxAge: number | undefined): Promise<{ directory: string; manager: FileSessionManager }> {
  const directory = temporaryDirectory();
  const manager = new FileSessionManager({ directory, maxAge });
  await manager.onSessionLookup('none');
  return { directory, manager };
}

/** Waits until an assertion holds; a file system may be slow. */
function eventually(assertion: () => void): Promise<void> {
  return vi.waitFor(assertion, { timeout: 50_000, interval: 5 });
}

/** Writes session files as of a time of last lookup. */
function writeSessions(directory: string, keys: string[], lookedUpAt: number): void {
  const l = new Date(lookedUpAt).toISOString();
  for (const key of keys) writeFileSync(join(directory, `${key}.wwrsess`), JSON.stringify({ c: l, l, i: null }));
}

describe('maxAge of the file session manager', () => {
  it.each([undefined, Infinity])('means never when %s, and starts no timer', async (maxAge) => {
    const { manager } = await setUp(maxAge);
    await manager.onSessionCreated(newSession('key'));
    vi.setSystemTime(NOW + 1e12);
    expect(await manager.onSessionLookup('key')).not.toBeNull();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('counts from the last lookup; a lookup removes an expired session', async () => {
    const { directory, manager } = await setUp(2 * HOUR);
    await manager.onSessionCreated(newSession('key'));
    for (const hours of [2, 4, 6]) {
      vi.setSystemTime(NOW + hours * HOUR);
      expect(await manager.onSessionLookup('key')).not.toBeNull();
    }
    vi.setSystemTime(NOW + 8 * HOUR + 1);
    expect(await manager.onSessionLookup('key')).toBeNull();
    expect(readdirSync(directory)).toEqual([]);
  });

  it.each([0, -1, 0.5, Number.NaN, -Infinity, '1000', null, {}])('cannot be %o', (maxAge) => {
    expect(() => new FileSessionManager({ maxAge: maxAge as number })).toThrow(
      new InvalidOptionError(
        `WebWire option FileSessionManager.maxAge is ${inspect(maxAge)}, ` +
          'but must be an integer of at least 1 (milliseconds), or Infinity',
      ),
    );
  });
});

describe('the removal of expired sessions', () => {
  it('removes expired sessions only', async () => {
    const { directory, manager } = await setUp(24 * HOUR);
    const expired = Array.from({ length: 100 }, (_, index) => `expired-${index}`);
    writeSessions(directory, expired, NOW - 24 * HOUR);
    writeSessions(directory, ['kept-1', 'kept-2'], NOW - 22 * HOUR);
    vi.advanceTimersByTime(HOUR);
    await eventually(() => expect(readdirSync(directory).sort()).toEqual(['kept-1.wwrsess', 'kept-2.wwrsess']));
    await manager.onModuleDestroy();
  });

  it('does not remove other files', async () => {
    const { directory, manager } = await setUp(24 * HOUR);
    writeFileSync(join(directory, 'damaged.wwrsess'), '{"c":');
    mkdirSync(join(directory, 'directory.wwrsess'));
    execFileSync('mkfifo', [join(directory, 'pipe.wwrsess')]);
    writeSessions(directory, ['expired', 'not.a.key', 'CON'], NOW - 48 * HOUR);
    writeFileSync(join(directory, 'other.json'), readFileSync(join(directory, 'expired.wwrsess')));
    symlinkSync(join(directory, 'other.json'), join(directory, 'link.wwrsess'));
    const others = readdirSync(directory).filter((name) => name !== 'expired.wwrsess');
    for (let times = 0; times < 3; times++) {
      writeSessions(directory, ['expired'], NOW - 48 * HOUR);
      await eventually(() => {
        vi.advanceTimersByTime(HOUR);
        expect(existsSync(join(directory, 'expired.wwrsess'))).toBe(false);
      });
    }
    await manager.onModuleDestroy();
    expect(readdirSync(directory).sort()).toEqual(others.sort());
  });

  it('continues if a session or the directory disappears', async () => {
    const { directory, manager } = await setUp(HOUR);
    writeSessions(directory, ['a', 'b', 'c'], NOW - 2 * HOUR);
    const run = vi.spyOn(KeyedQueue.prototype, 'run').mockImplementationOnce(async (path, task) => {
      await rm(path);
      return task();
    });
    vi.advanceTimersByTime(HOUR);
    await eventually(() => expect(readdirSync(directory)).toEqual([]));
    expect(run).toHaveBeenCalledTimes(3);
    await rm(directory, { recursive: true });
    vi.advanceTimersByTime(HOUR);
    await manager.onSessionCreated(newSession('key'));
    await eventually(() => {
      vi.advanceTimersByTime(3 * HOUR);
      expect(readdirSync(directory)).toEqual([]);
    });
    await manager.onModuleDestroy();
  });

  it('does not remove a session that is being looked up', async () => {
    const { directory, manager } = await setUp(10 * HOUR);
    await manager.onSessionCreated(newSession('key'));
    vi.advanceTimersByTime(9.5 * HOUR);
    await manager.onModuleDestroy();

    const next = new FileSessionManager({ directory, maxAge: 10 * HOUR });
    await next.onSessionLookup('none');
    const run = vi.spyOn(KeyedQueue.prototype, 'run');
    const file = await open(join(directory, 'key.wwrsess'), 'r');
    await file.close();
    // Between the read and the write of the lookup, the old time applies.
    vi.spyOn(Object.getPrototypeOf(file) as FileHandle, 'sync').mockImplementationOnce(async () => {
      vi.advanceTimersByTime(HOUR);
      await eventually(() => expect(run).toHaveBeenCalledTimes(2));
    });
    expect(await next.onSessionLookup('key')).not.toBeNull();
    await run.mock.results[1]!.value;
    await next.onModuleDestroy();
    expect(readdirSync(directory)).toEqual(['key.wwrsess']);
  });

  it.each([
    ['every maxAge', 5 * 60_000, 5 * 60_000],
    ['at least once an hour', 1e12, HOUR],
    ['at most once a second', 1, 1000],
  ])('happens %s', async (_, maxAge, interval) => {
    const timer = vi.spyOn(globalThis, 'setInterval');
    const { manager } = await setUp(maxAge);
    await manager.onSessionLookup('none');
    expect(timer.mock.calls.map(([, time]) => time)).toEqual([interval]);
    await manager.onModuleDestroy();
  });

  it('starts with the first use, and ends with the module', async () => {
    const manager = new FileSessionManager({ directory: temporaryDirectory(), maxAge: HOUR });
    expect(vi.getTimerCount()).toBe(0);
    await manager.onSessionLookup('none');
    expect(vi.getTimerCount()).toBe(1);
    await manager.onModuleDestroy();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not start after the module has ended, but sessions work', async () => {
    const manager = new FileSessionManager({ directory: temporaryDirectory(), maxAge: HOUR });
    await manager.onModuleDestroy();
    await manager.onSessionCreated(newSession('key'));
    expect(await manager.onSessionLookup('key')).not.toBeNull();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is over when the module has ended', async () => {
    const { directory, manager } = await setUp(HOUR);
    writeSessions(directory, ['a', 'b', 'c'], NOW - 2 * HOUR);
    const ended = new Promise<string[]>((resolve) => {
      vi.spyOn(KeyedQueue.prototype, 'run').mockImplementationOnce((_path, task) => {
        resolve(manager.onModuleDestroy().then(() => readdirSync(directory)));
        return task();
      });
    });
    vi.advanceTimersByTime(HOUR);
    expect(await ended).toHaveLength(2);
  });

  it('does not keep the process alive', { timeout: 120_000 }, () => {
    const directory = temporaryDirectory();
    const manager = compileSessions(directory)('session/stores/file/file-session-manager');
    const code = `
      const { FileSessionManager } = await import(${manager});
      await new FileSessionManager({ directory: ${JSON.stringify(directory)}, maxAge: 1000 }).onSessionLookup('key');
      console.log('used');
    `;
    const args = ['--input-type=module', '--eval', code];
    expect(execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 110_000 })).toBe('used\n');
  });
});
