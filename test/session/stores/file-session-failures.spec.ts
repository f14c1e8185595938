import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FileSessionManager } from '../../../lib/session/stores/file/file-session-manager.js';
import { failureOf, flushing, MIB, RECORDED, setUp } from './file-store.js';
import { RecordingLogger } from '../../support/test-app.js';
import { newSession } from '../new-session.js';
import { asOrdinaryUser, ORDINARY_USER } from '../ordinary-user.js';
import { temporaryDirectory } from '../temporary-directory.js';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('the content of a session file', () => {
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
    expect(`${failure.code}: ${failure.message}`).toBe('SESSION_STORE_FAILED: the stored content is not a session');
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

  it('leaves no temporary file if the session file cannot be replaced', async () => {
    const { directory, manager } = setUp();
    mkdirSync(join(directory, 'key.wwrsess'), { recursive: true });
    const failure = await failureOf(manager.onSessionCreated(newSession('key')));
    expect(failure.message).toBe('cannot create the session: EISDIR (rename)');
    expect(readdirSync(directory)).toEqual(['key.wwrsess']);
  });

  it('that cannot flush directories can be used', async () => {
    const { manager } = setUp();
    await manager.onSessionCreated(newSession('key'));
    const error = Object.assign(new Error('invalid'), { code: 'EINVAL', syscall: 'fsync' });
    vi.spyOn(await flushing(), 'sync').mockRejectedValueOnce(error);
    await manager.onSessionClosed('key');
    expect(await manager.onSessionLookup('key')).toBeNull();
  });

  it('flushes the content, the name, and every new directory', async () => {
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

describe('a store that cannot be written', () => {
  /** A manager with one session, and its log. */
  async function setUpSession(maxAge?: number) {
    const directory = join(temporaryDirectory(), 'sessions');
    const manager = new FileSessionManager({ directory, maxAge });
    const logger = new RecordingLogger();
    manager.useLogger(logger);
    await manager.onSessionCreated(newSession('secret-key', { user: 'ann' }));
    return { directory, manager, warnings: () => logger.at('warn') };
  }

  const failing = (code: string) => Object.assign(new Error('failed'), { code, syscall: 'fsync' });

  it.each(['EROFS', 'ENOSPC', 'EACCES', 'EDQUOT', 'EIO', 'EPERM', 'EMFILE'])(
    'restores sessions despite %s',
    async (code) => {
      const { directory, manager, warnings } = await setUpSession();
      const before = readFileSync(join(directory, 'secret-key.wwrsess'), 'utf8');
      vi.spyOn(await flushing(), 'sync').mockRejectedValueOnce(failing(code));
      expect(await manager.onSessionLookup('secret-key')).toMatchObject({ info: { user: 'ann' } });
      expect(readdirSync(directory)).toEqual(['secret-key.wwrsess']);
      expect(readFileSync(join(directory, 'secret-key.wwrsess'), 'utf8')).toBe(before);
      expect(warnings()).toEqual([
        expect.stringContaining(`${JSON.stringify(directory)} are restored, but cannot be changed`),
      ]);
      expect(warnings()[0]).toContain(`${code} (fsync)`);
      expect(warnings()[0]).not.toContain('secret-key');
    },
  );

  it('is logged once until it can be written again', async () => {
    const { manager, warnings } = await setUpSession();
    const sync = vi.spyOn(await flushing(), 'sync');
    for (let time = 0; time < 3; time++) {
      sync.mockRejectedValueOnce(failing('EROFS'));
      expect(await manager.onSessionLookup('secret-key')).not.toBeNull();
    }
    expect(warnings()).toHaveLength(1);
    expect(await manager.onSessionLookup('secret-key')).not.toBeNull();
    sync.mockRejectedValueOnce(failing('EROFS'));
    expect(await manager.onSessionLookup('secret-key')).not.toBeNull();
    expect(warnings()).toHaveLength(2);
  });

  it('does not find an expired session, though it cannot be removed', async () => {
    const { manager, warnings } = await setUpSession(1000);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2000 });
    vi.spyOn(await flushing(), 'sync').mockRejectedValueOnce(failing('EROFS'));
    expect(await manager.onSessionLookup('secret-key')).toBeNull();
    expect(warnings()).toHaveLength(1);
  });

  it('needs no logger', async () => {
    const { directory, manager } = setUp();
    await manager.onSessionCreated(newSession('key'));
    vi.spyOn(await flushing(), 'sync').mockRejectedValueOnce(failing('EROFS'));
    expect(await new FileSessionManager({ directory }).onSessionLookup('key')).not.toBeNull();
  });

  it('restores sessions whose directory the process may only read', async () => {
    const { directory, manager, warnings } = await setUpSession();
    const found = await asOrdinaryUser(
      () => {
        chmodSync(dirname(directory), 0o755);
        if (process.getuid!() === 0) chownSync(join(directory, 'secret-key.wwrsess'), ORDINARY_USER, ORDINARY_USER);
        chmodSync(directory, 0o555);
      },
      () => manager.onSessionLookup('secret-key'),
    );
    chmodSync(directory, 0o700);
    expect(found).toMatchObject({ info: { user: 'ann' } });
    expect(warnings()).toEqual([expect.stringContaining('permission denied, EACCES (open)')]);
  });

  it('fails to restore a session whose file the process must not read', async () => {
    const { directory, manager, warnings } = await setUpSession();
    const failure = await asOrdinaryUser(
      () => {
        chmodSync(dirname(directory), 0o755);
        chmodSync(directory, 0o755);
        chmodSync(join(directory, 'secret-key.wwrsess'), 0o000);
      },
      () => failureOf(manager.onSessionLookup('secret-key')),
    );
    expect(failure.message).toBe('cannot look up the session: EACCES (open)');
    expect(warnings()).toEqual([]);
  });
});
