import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { InvalidOptionError } from '../../../lib/common/options.js';
import { FileSessionManager } from '../../../lib/session/stores/file/file-session-manager.js';
import { compileSessions } from '../compiled.js';
import { flushing, setUp } from './file-store.js';
import { newSession } from '../new-session.js';
import { temporaryDirectory } from '../temporary-directory.js';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
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

  it('is not changed if it exists', async () => {
    const { directory, manager } = setUp();
    mkdirSync(directory);
    chmodSync(directory, 0o750);
    await manager.onSessionCreated(newSession('key'));
    expect(statSync(directory).mode & 0o777).toBe(0o750);
  });

  it('can be relative to the current directory at the time when the manager is made', async () => {
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

  it('can be deleted during a lookup', async () => {
    const { directory, manager } = setUp();
    await manager.onSessionCreated(newSession('key'));
    const sync = vi.spyOn(await flushing(), 'sync');
    sync.mockImplementationOnce(async () => rmSync(directory, { recursive: true }));
    expect(await manager.onSessionLookup('key')).toBeNull();
  });

  it(
    'is beside the package.json of the main script by default, for each way to name the script',
    { timeout: 180_000 },
    () => {
      const parent = temporaryDirectory();
      const app = join(parent, 'app');
      const manager = compileSessions(parent)('session/stores/file/file-session-manager');
      const code = `import(${manager}).then((module) => console.log(new module.FileSessionManager().directory));`;
      mkdirSync(join(app, 'dist'), { recursive: true });
      mkdirSync(join(app, 'bin'));
      writeFileSync(join(app, 'package.json'), '{"main":"dist/main"}');
      writeFileSync(join(app, 'dist', 'main.js'), code);
      writeFileSync(join(app, 'dist', 'main.mjs'), code);
      symlinkSync('../dist/main.js', join(app, 'bin', 'app'));
      const directoryOf = (args: string[], input?: string): string =>
        relative(app, execFileSync(process.execPath, args, { cwd: app, encoding: 'utf8', input }).trim());

      expect(directoryOf(['dist/main.js'])).toBe('wwrsess');
      expect(directoryOf(['dist/main'])).toBe('wwrsess');
      expect(directoryOf([join(app, 'dist', 'main.mjs')])).toBe('wwrsess');
      expect(directoryOf(['.'])).toBe('wwrsess');
      expect(directoryOf(['bin/app'])).toBe('wwrsess');
      expect(directoryOf(['--eval', code])).toBe('wwrsess');
      expect(directoryOf(['--eval', code, 'argument'])).toBe('wwrsess');
      expect(directoryOf(['-', 'argument'], code)).toBe('wwrsess');
    },
  );

  it.each(['', 'a\0b', 1, null, {}])('cannot be %o', (directory) => {
    expect(() => new FileSessionManager({ directory: directory as string })).toThrow(
      new InvalidOptionError(
        `WebWire option FileSessionManager.directory is ${inspect(directory)}, but must be the path of a directory`,
      ),
    );
  });
});

describe('the default directory', () => {
  const APP = '{"name":"app"}';
  const FORMAT = '{"type":"commonjs"}';

  /** The directory of a program, relative to the folder above it. */
  function directoryOf(script: string, packages: Record<string, string>): string {
    const parent = temporaryDirectory();
    for (const [path, content] of Object.entries({ ...packages, [script]: '' })) {
      mkdirSync(dirname(join(parent, path)), { recursive: true });
      writeFileSync(join(parent, path), content);
    }
    const [, before] = process.argv;
    process.argv[1] = join(parent, script);
    try {
      return relative(parent, new FileSessionManager().directory);
    } finally {
      process.argv[1] = before!;
    }
  }

  it.each<[string, string, Record<string, string>, string]>([
    ['beside the package.json', 'app/main.js', { 'app/package.json': APP }, 'app/wwrsess'],
    ['beside one far above', 'app/a/b/c/main.js', { 'app/package.json': APP }, 'app/wwrsess'],
    [
      'beside the nearest of two, as in a workspace',
      'all/apps/one/dist/main.js',
      { 'all/package.json': APP, 'all/apps/one/package.json': '{"dependencies":{}}' },
      'all/apps/one/wwrsess',
    ],
    ['beside the script without any', 'app/dist/main.js', {}, 'app/dist/wwrsess'],
    [
      'outside of a build that marks its module format',
      'app/dist/main.js',
      { 'app/package.json': APP, 'app/dist/package.json': FORMAT },
      'app/wwrsess',
    ],
    [
      'beside one that sets a format, if it is the only one',
      'app/dist/main.js',
      { 'app/package.json': FORMAT },
      'app/wwrsess',
    ],
    [
      'outside of node_modules, where a test runner is',
      'app/node_modules/runner/bin/run.js',
      { 'app/package.json': APP, 'app/node_modules/runner/package.json': '{"name":"runner"}' },
      'app/wwrsess',
    ],
    [
      'beside the package.json of a program that is installed globally',
      'lib/node_modules/app/dist/main.js',
      { 'lib/node_modules/app/package.json': APP },
      'lib/node_modules/app/wwrsess',
    ],
    ['beside one that cannot be read as JSON', 'app/dist/main.js', { 'app/package.json': '{' }, 'app/wwrsess'],
    ['beside one that is null', 'app/dist/main.js', { 'app/package.json': 'null' }, 'app/wwrsess'],
  ])('is %s', (_, script, packages, expected) => {
    expect(directoryOf(script, packages)).toBe(expected);
  });
});
