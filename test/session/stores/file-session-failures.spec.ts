import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FileSessionManager } from '../../../lib/session/stores/file/file-session-manager.js';
import { failureOf, flushing, MIB, RECORDED, setUp } from './file-store.js';
import { newSession } from '../new-session.js';
import { temporaryDirectory } from '../temporary-directory.js';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('what is in the place of a session file', () => {
  const times = '"c":"2026-11-22T08:32:02Z","l":"2026-11-22T08:32:02Z"';
  const deep = `${'{"a":'.repeat(101)}1${'}'.repeat(101)}`;

  it.each<[string, string | Buffer]>([
    ['nothing', ''],
    ['half a session', `{${times},"i":{"user":`],
    ['two sessions', `{${times}}{${times}}`],
    ['no JSON', 'secret-key'],
    ['null', 'null'],
    ['an array', '[]'],
    ['a string', '"text"'],
    ['no times', '{"i":null}'],
    ['no time of lookup', '{"c":"2026-11-22T08:32:02Z","i":null}'],
    ['a number as time', '{"c":1,"l":2,"i":null}'],
    ['a time that is not RFC 3339', '{"c":"yesterday","l":"2026-11-22T08:32:02Z","i":null}'],
    ['an array as info', `{${times},"i":[]}`],
    ['a string as info', `{${times},"i":"text"}`],
    ['false as info', `{${times},"i":false}`],
    ['info nested too deeply', `{${times},"i":${deep}}`],
    ['info nested as deeply as fits', `{${times},"i":${'['.repeat(MIB - 100)}`],
    ['bytes that are not UTF-8', Buffer.concat([Buffer.from(`{${times},"i":{"a":"`), Buffer.from([0xff, 0x22, 0x7d])])],
  ])('fails a lookup when it is %s', async (_, content) => {
    const { directory, manager } = setUp();
    mkdirSync(directory);
    writeFileSync(join(directory, 'secret-key.wwrsess'), content);
    const failure = await failureOf(manager.onSessionLookup('secret-key'));
    expect(`${failure.code}: ${failure.message}`).toBe(
      'SESSION_STORE_FAILED: the file of the session does not hold a session',
    );
    expect(inspect(failure, { showHidden: true })).not.toContain('secret-key');
    expect(readFileSync(join(directory, 'secret-key.wwrsess')).equals(Buffer.from(content))).toBe(true);
  });

  it.each([
    ['no info', `{${times}}`],
    ['members of its own', `{"x":1,${times},"i":null}`],
    ['space up to the limit', `{${times}}`.padEnd(MIB)],
  ])('can be a session with %s', async (_, content) => {
    const { directory, manager } = setUp();
    mkdirSync(directory);
    writeFileSync(join(directory, 'key.wwrsess'), content);
    expect((await manager.onSessionLookup('key'))?.info).toBeNull();
  });

  it.each<[string, (path: string) => void]>([
    ['larger than 1 MiB', (path) => writeFileSync(path, `{${times}}`.padEnd(MIB + 1))],
    ['a directory', (path) => mkdirSync(path)],
    ['a pipe', (path) => execFileSync('mkfifo', [path])],
  ])('fails a lookup when it is %s', async (_, make) => {
    const { directory, manager } = setUp();
    mkdirSync(directory);
    make(join(directory, 'key.wwrsess'));
    expect(await failureOf(manager.onSessionLookup('key'))).toMatchObject({
      code: 'SESSION_STORE_FAILED',
      message: 'the file of the session is not a file of at most 1 MiB',
    });
  });

  it('fails a lookup when it is a symbolic link, which is not followed', async () => {
    const { directory, manager } = setUp();
    mkdirSync(directory);
    const outside = join(directory, '..', 'outside');
    copyFileSync(RECORDED, outside);
    symlinkSync(outside, join(directory, 'key.wwrsess'));
    const before = readFileSync(outside, 'utf8');
    expect(await failureOf(manager.onSessionLookup('key'))).toMatchObject({
      code: 'SESSION_STORE_FAILED',
      message: 'cannot look up the session: ELOOP (open)',
    });
    await manager.onSessionCreated(newSession('key'));
    await manager.onSessionClosed('key');
    expect(readFileSync(outside, 'utf8')).toBe(before);
  });
});

describe('a failing file system', () => {
  it('fails without the path and the key', async () => {
    const parent = temporaryDirectory();
    writeFileSync(join(parent, 'file'), '');
    const manager = new FileSessionManager({ directory: join(parent, 'file', 'sessions') });
    const failures = [
      await failureOf(manager.onSessionCreated(newSession('secret-key'))),
      await failureOf(manager.onSessionLookup('secret-key')),
      await failureOf(manager.onSessionClosed('secret-key')),
    ];
    expect(failures.map(({ code, message }) => `${code}: ${message}`)).toEqual([
      'SESSION_STORE_FAILED: cannot create the session: ENOTDIR (mkdir)',
      'SESSION_STORE_FAILED: cannot look up the session: ENOTDIR (open)',
      'SESSION_STORE_FAILED: cannot close the session: ENOTDIR (unlink)',
    ]);
    for (const failure of failures) {
      const shown = inspect(failure, { showHidden: true, depth: Infinity });
      expect(shown).not.toContain('secret-key');
      expect(shown).not.toContain(parent);
      expect(failure.cause).toBeUndefined();
    }
  });

  it('leaves no temporary file when the session cannot be put in its place', async () => {
    const { directory, manager } = setUp();
    mkdirSync(join(directory, 'key.wwrsess'), { recursive: true });
    const failure = await failureOf(manager.onSessionCreated(newSession('key')));
    expect(failure.message).toBe('cannot create the session: EISDIR (rename)');
    expect(readdirSync(directory)).toEqual(['key.wwrsess']);
  });

  it('leaves the session as it was when the new content cannot be made to last', async () => {
    const { directory, manager } = setUp();
    await manager.onSessionCreated(newSession('key', { user: 'ann' }));
    const before = readFileSync(join(directory, 'key.wwrsess'), 'utf8');
    const error = Object.assign(new Error('i/o error'), { code: 'EIO', syscall: 'fsync' });
    vi.spyOn(await flushing(), 'sync').mockRejectedValueOnce(error);
    const failure = await failureOf(manager.onSessionLookup('key'));
    expect(failure.message).toBe('cannot look up the session: EIO (fsync)');
    expect(readdirSync(directory)).toEqual(['key.wwrsess']);
    expect(readFileSync(join(directory, 'key.wwrsess'), 'utf8')).toBe(before);
  });

  it('that cannot flush directories is good enough', async () => {
    const { manager } = setUp();
    await manager.onSessionCreated(newSession('key'));
    const error = Object.assign(new Error('invalid'), { code: 'EINVAL', syscall: 'fsync' });
    vi.spyOn(await flushing(), 'sync').mockRejectedValueOnce(error);
    await manager.onSessionClosed('key');
    expect(await manager.onSessionLookup('key')).toBeNull();
  });

  it('gets the content, the name, and every directory made flushed', async () => {
    const directory = join(temporaryDirectory(), 'a', 'b', 'sessions');
    const manager = new FileSessionManager({ directory });
    const sync = vi.spyOn(await flushing(), 'sync');
    await manager.onSessionCreated(newSession('first'));
    expect(sync).toHaveBeenCalledTimes(3 + 2);
    await manager.onSessionCreated(newSession('key'));
    expect(sync).toHaveBeenCalledTimes(5 + 2);
    await manager.onSessionLookup('key');
    expect(sync).toHaveBeenCalledTimes(7 + 2);
    await manager.onSessionClosed('key');
    expect(sync).toHaveBeenCalledTimes(9 + 1);
  });

  it('does not bring a session back that another process closed during a lookup', async () => {
    const { directory, manager } = setUp();
    await manager.onSessionCreated(newSession('key'));
    const files = await flushing();
    const sync = vi.spyOn(files, 'sync');
    sync.mockImplementationOnce(async () => rmSync(join(directory, 'key.wwrsess')));
    expect(await manager.onSessionLookup('key')).toBeNull();
    expect(readdirSync(directory)).toEqual([]);
  });
});
