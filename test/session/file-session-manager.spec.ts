import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { FileSessionManager } from '../../lib/session/file-session-manager.js';
import { SessionError } from '../../lib/session/session-error.js';
import { compileSessions } from './compiled.js';
import { newSession } from './new-session.js';
import { temporaryDirectory } from './temporary-directory.js';

const RECORDED_KEY = 'a3Jx-9_ExampleKeyWrittenByTheReferenceServer_0123456789abcdefghij';
const RECORDED = new URL(`../fixtures/sessions/${RECORDED_KEY}.wwrsess`, import.meta.url);
const NOW = Date.parse('2026-11-23T08:00:00Z');
const MIB = 1024 * 1024;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function setUp(): { directory: string; manager: FileSessionManager } {
  const directory = join(temporaryDirectory(), 'sessions');
  return { directory, manager: new FileSessionManager({ directory }) };
}

/** Every file below a directory, with all that would show that it was touched, except for reading. */
function snapshot(directory: string): unknown[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const path = join(directory, name);
      const { mode, ino, mtimeMs } = statSync(path);
      return { name, mode, ino, mtimeMs, text: statSync(path).isFile() ? readFileSync(path, 'utf8') : null };
    });
}

/** The session error that something fails with. */
async function failureOf(task: Promise<unknown>): Promise<SessionError> {
  const error: unknown = await task.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof SessionError) return error;
  throw new Error(`no session error, but ${inspect(error)}`);
}

/** What every file is flushed with; spied upon, it stands in for a disk that fails. */
async function flushing(): Promise<FileHandle> {
  const file = await open(RECORDED, 'r');
  await file.close();
  return Object.getPrototypeOf(file) as FileHandle;
}

describe('the file session manager', () => {
  it('writes one file per session, as the protocol has it', async () => {
    const { directory, manager } = setUp();
    vi.useFakeTimers({ toFake: ['Date'], now: NOW });
    await manager.onSessionCreated(newSession('with-info', { user: 'ann', level: 7 }));
    await manager.onSessionCreated(newSession('without_info='));
    expect(readdirSync(directory).sort()).toEqual(['with-info.wwrsess', 'without_info=.wwrsess']);
    const times = '"c":"2026-11-23T08:00:00.000Z","l":"2026-11-23T08:00:00.000Z"';
    expect(readFileSync(join(directory, 'with-info.wwrsess'), 'utf8')).toBe(`{${times},"i":{"user":"ann","level":7}}`);
    expect(readFileSync(join(directory, 'without_info=.wwrsess'), 'utf8')).toBe(`{${times},"i":null}`);
  });

  it('finds what was created, with the time of the lookup before', async () => {
    const { manager } = setUp();
    vi.useFakeTimers({ toFake: ['Date'], now: NOW });
    await manager.onSessionCreated(newSession('key', { user: 'ann' }));
    const created = { createdAt: new Date(NOW), info: { user: 'ann' } };
    vi.setSystemTime(NOW + 1000);
    expect(await manager.onSessionLookup('key')).toEqual({ ...created, lastLookupAt: new Date(NOW) });
    vi.setSystemTime(NOW + 2000);
    expect(await manager.onSessionLookup('key')).toEqual({ ...created, lastLookupAt: new Date(NOW + 1000) });
  });

  it('finds what the reference implementation wrote, and keeps all digits of its creation', async () => {
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

  it('keeps info as it is: null without any, and members named __proto__', async () => {
    const { manager } = setUp();
    const info = JSON.parse('{"__proto__":{"admin":true},"text":"\\ud800 ї\\u0000"}') as { text: string };
    await manager.onSessionCreated(newSession('with', info));
    await manager.onSessionCreated(newSession('without'));
    await manager.onSessionLookup('with');
    expect(JSON.stringify((await manager.onSessionLookup('with'))?.info)).toBe(JSON.stringify(info));
    expect((await manager.onSessionLookup('without'))?.info).toBeNull();
  });

  it('does not find what was closed, and closes what is not there', async () => {
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

  it('takes sessions up to what it can read again', async () => {
    const { directory, manager } = setUp();
    const { length } = JSON.stringify({ c: new Date(), l: new Date(), i: { text: '' } });
    await manager.onSessionCreated(newSession('fits', { text: 'x'.repeat(MIB - length) }));
    expect(await manager.onSessionLookup('fits')).not.toBeNull();
    const failure = await failureOf(
      manager.onSessionCreated(newSession('too-large', { text: 'x'.repeat(MIB - length + 1) })),
    );
    expect(failure.code).toBe('SESSION_STORE_FAILED');
    expect(failure.message).toBe('the session takes 1048577 bytes, but a session file at most 1048576');
    expect(readdirSync(directory)).toEqual(['fits.wwrsess']);
  });

  it('does not store without a session', async () => {
    const { manager } = setUp();
    const failure = await failureOf(manager.onSessionCreated({ id: '1', session: null }));
    expect(failure.message).toBe('the connection has no session to store');
  });

  it('does the operations on one session one after the other, of all managers of the process', async () => {
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

describe('a key that is not safe as the name of a file', () => {
  const unsafe = (parent: string): string[] => [
    '',
    '.',
    '..',
    '../outside',
    '..\\outside',
    'x/../../outside',
    `${parent}/outside`,
    `file://${parent}/outside`,
    '/dev/null',
    'a/b',
    'a\\b',
    'a.b',
    'inside.wwrsess',
    'inside.wwrsess\0',
    'inside\0',
    '\0',
    'inside\n',
    ' ',
    'inside ',
    '~',
    '*',
    '%2e%2e%2foutside',
    'C:',
    'C:\\outside',
    'inside:stream',
    '\\\\.\\COM1',
    'CON',
    'nul',
    'Aux',
    'prn',
    'COM1',
    'lpt9',
    'ключ',
    'insıde',
    'ｉｎｓｉｄｅ',
    '..／outside',
    '\u202einside',
    '\ud800',
    '🔑',
    'x'.repeat(248),
    'x'.repeat(255),
    'x'.repeat(10_000_000),
  ];

  async function inTree(task: (manager: FileSessionManager, keys: string[]) => Promise<void>): Promise<void> {
    const parent = temporaryDirectory();
    const directory = join(parent, 'sessions');
    const manager = new FileSessionManager({ directory });
    await manager.onSessionCreated(newSession('inside'));
    for (const name of ['outside.wwrsess', 'outside', '.wwrsess']) copyFileSync(RECORDED, join(parent, name));
    for (const name of ['.wwrsess', '..wwrsess', 'inside']) copyFileSync(RECORDED, join(directory, name));
    const before = snapshot(parent);
    await task(manager, unsafe(parent));
    expect(snapshot(parent)).toEqual(before);
  }

  it('is not found, and nothing is touched', async () => {
    await inTree(async (manager, keys) => {
      for (const key of keys) expect(await manager.onSessionLookup(key)).toBeNull();
    });
  });

  it('is not closed, and nothing is touched', async () => {
    await inTree(async (manager, keys) => {
      for (const key of keys) expect(await manager.onSessionClosed(key)).toBeUndefined();
    });
  });

  it('is refused on creation, without the key, and nothing is touched', async () => {
    await inTree(async (manager, keys) => {
      for (const key of keys) {
        const failure = await failureOf(manager.onSessionCreated(newSession(key)));
        expect(failure.code).toBe('INVALID_SESSION_KEY');
        expect(failure.message).toBe(
          'the session key cannot be the name of a file: FileSessionManager takes 1 to 247 of A–Z a–z 0–9 - _ =, ' +
            'and no device names of Windows',
        );
      }
    });
  });

  it('is told from keys that are', async () => {
    const { manager } = setUp();
    for (const key of ['x'.repeat(247), '-', '--help', '_', '=', 'CON-', 'com10', RECORDED_KEY]) {
      await manager.onSessionCreated(newSession(key, { key }));
      expect((await manager.onSessionLookup(key))?.info).toEqual({ key });
    }
  });
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

describe('the directory', () => {
  it.each([0, 0o022, 0o777])('and its files are of their owner only, with umask %o', async (umask) => {
    const { directory, manager } = setUp();
    const before = process.umask(umask);
    onTestFinished(() => void process.umask(before));
    await manager.onSessionCreated(newSession('created'));
    await manager.onSessionCreated(newSession('found'));
    chmodSync(join(directory, 'found.wwrsess'), 0o644);
    await manager.onSessionLookup('found');
    const mode = (name: string): string => (statSync(join(directory, name)).mode & 0o777).toString(8);
    expect([mode(''), mode('created.wwrsess'), mode('found.wwrsess')]).toEqual(['700', '600', '600']);
  });

  it('stays as it is if it is there', async () => {
    const { directory, manager } = setUp();
    mkdirSync(directory);
    chmodSync(directory, 0o750);
    await manager.onSessionCreated(newSession('key'));
    expect(statSync(directory).mode & 0o777).toBe(0o750);
  });

  it('can be relative, to where the process was when the manager was made', async () => {
    const parent = temporaryDirectory();
    const before = process.cwd();
    onTestFinished(() => process.chdir(before));
    process.chdir(parent);
    const manager = new FileSessionManager({ directory: './sessions' });
    process.chdir(before);
    expect(manager.directory).toBe(join(parent, 'sessions'));
    await manager.onSessionCreated(newSession('key'));
    expect(readdirSync(join(parent, 'sessions'))).toEqual(['key.wwrsess']);
  });

  it('can be behind symbolic links', async () => {
    const parent = temporaryDirectory();
    mkdirSync(join(parent, 'real', 'sessions'), { recursive: true });
    symlinkSync(join(parent, 'real'), join(parent, 'link'));
    symlinkSync(join(parent, 'real', 'sessions'), join(parent, 'last'));
    for (const directory of [join(parent, 'link', 'sessions'), join(parent, 'last')]) {
      const manager = new FileSessionManager({ directory });
      await manager.onSessionCreated(newSession('key'));
      expect(await manager.onSessionLookup('key')).not.toBeNull();
    }
    expect(readdirSync(join(parent, 'real', 'sessions'))).toEqual(['key.wwrsess']);
  });

  it('can be deleted, and is made again', async () => {
    const { directory, manager } = setUp();
    await manager.onSessionCreated(newSession('key'));
    rmSync(directory, { recursive: true });
    expect(await manager.onSessionLookup('key')).toBeNull();
    await manager.onSessionClosed('key');
    await manager.onSessionCreated(newSession('key'));
    expect(await manager.onSessionLookup('key')).not.toBeNull();
  });

  it('can be deleted in the midst of a lookup', async () => {
    const { directory, manager } = setUp();
    await manager.onSessionCreated(newSession('key'));
    const sync = vi.spyOn(await flushing(), 'sync');
    sync.mockImplementationOnce(async () => rmSync(directory, { recursive: true }));
    expect(await manager.onSessionLookup('key')).toBeNull();
  });

  it('is next to the main script by default, however that is named', { timeout: 60_000 }, () => {
    const parent = temporaryDirectory();
    const app = join(parent, 'app');
    const manager = compileSessions(parent)('file-session-manager');
    const code = `import(${manager}).then((module) => console.log(new module.FileSessionManager().directory));`;
    mkdirSync(join(app, 'dist'), { recursive: true });
    mkdirSync(join(app, 'bin'));
    writeFileSync(join(app, 'package.json'), '{"main":"dist/main"}');
    writeFileSync(join(app, 'dist', 'main.js'), code);
    writeFileSync(join(app, 'dist', 'main.mjs'), code);
    symlinkSync('../dist/main.js', join(app, 'bin', 'app'));
    const directoryOf = (args: string[], input?: string): string =>
      relative(app, execFileSync(process.execPath, args, { cwd: app, encoding: 'utf8', input }).trim());

    const script = join('dist', 'wwrsess');
    expect(directoryOf(['dist/main.js'])).toBe(script);
    expect(directoryOf(['dist/main'])).toBe(script);
    expect(directoryOf([join(app, 'dist', 'main.mjs')])).toBe(script);
    expect(directoryOf(['.'])).toBe(script);
    expect(directoryOf(['bin/app'])).toBe(script);
    expect(directoryOf(['--eval', code])).toBe('wwrsess');
    expect(directoryOf(['--eval', code, 'argument'])).toBe('wwrsess');
    expect(directoryOf(['-', 'argument'], code)).toBe('wwrsess');
  });

  it.each(['', 'a\0b', 1, null, {}])('cannot be %o', (directory) => {
    expect(() => new FileSessionManager({ directory: directory as string })).toThrow(
      new TypeError(
        `FileSessionManager option directory is ${inspect(directory)}, but must be the path of a directory`,
      ),
    );
  });
});
