import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  FileSessionManager,
  InvalidOptionError,
  MemorySessionManager,
  SessionManager,
  WebwireAdapter,
  WebwireGateway,
  WebwireModule,
  type SessionOptions,
} from 'nestjs-webwire';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { asOrdinaryUser } from '../session/ordinary-user.js';
import { flushing } from '../session/stores/file-store.js';
import { temporaryDirectory } from '../session/temporary-directory.js';
import { RecordingLogger, TestApp } from '../support/test-app.js';

@WebwireGateway()
class Gateway {}

let parent: string;
beforeEach(() => {
  parent = temporaryDirectory();
});

async function start(sessions: SessionOptions | false): Promise<TestApp> {
  const app = await TestApp.start({ providers: [Gateway] }, { sessions });
  onTestFinished(() => app.close());
  return app;
}

describe('the directory of sessions, at the start of an application', () => {
  it('is made, for its owner only', async () => {
    const directory = join(parent, 'a', 'b');
    await start({ directory });
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('stays as it is', async () => {
    writeFileSync(join(parent, 'key.wwrsess'), 'content');
    chmodSync(parent, 0o750);
    await start({ directory: parent });
    expect(readdirSync(parent)).toEqual(['key.wwrsess']);
    expect(statSync(parent).mode & 0o777).toBe(0o750);
  });

  const UNUSABLE: [string, () => string, string][] = [
    ['a file', () => file('file'), 'a file has that name, EEXIST (mkdir)'],
    ['below a file', () => join(file('file'), 'sessions'), 'a part of the path is not a directory, ENOTDIR (mkdir)'],
    ['far below a file', () => join(file('file'), 'a', 'b'), 'a part of the path is not a directory, ENOTDIR (mkdir)'],
    ['a link to a file', () => link('link', file('file')), 'a file has that name, EEXIST (mkdir)'],
    [
      'a broken link',
      () => link('link', join(parent, 'nowhere')),
      'it does not exist and cannot be made, ENOENT (stat)',
    ],
    [
      'below a broken link',
      () => join(link('link', join(parent, 'nowhere')), 'sessions'),
      'it does not exist and cannot be made, ENOENT (stat)',
    ],
    ['a link to itself', () => link('link', join(parent, 'link')), 'symbolic links form a loop, ELOOP (stat)'],
    ['named too long', () => join(parent, 'x'.repeat(300)), 'ENAMETOOLONG (mkdir)'],
    ['a device', () => '/dev/null', 'a file has that name, EEXIST (mkdir)'],
  ];

  function file(name: string): string {
    writeFileSync(join(parent, name), '');
    return join(parent, name);
  }
  function link(name: string, target: string): string {
    symlinkSync(target, join(parent, name));
    return join(parent, name);
  }

  it.each(UNUSABLE)('fails the start when it is %s', async (_, make, reason) => {
    const directory = make();
    const starting = start({ directory });
    await expect(starting).rejects.toThrow(InvalidOptionError);
    await expect(starting).rejects.toThrow(
      `WebWire option sessions.directory (directory of FileSessionManager) is ${JSON.stringify(directory)}, where sessions ` +
        `cannot be stored: ${reason}. Set it to a directory that this process may make and write to, use another ` +
        'sessions.manager, or switch sessions off with sessions: false',
    );
  });

  it.skipIf(process.platform !== 'linux')('fails the start when no directory can be made there', async () => {
    await expect(start({ directory: '/proc/webwire/sessions' })).rejects.toThrow('"/proc/webwire/sessions"');
  });

  it('fails the start when the process may not write in it', async () => {
    const directory = join(parent, 'sessions');
    mkdirSync(directory);
    const manager = new FileSessionManager({ directory });
    const starting = asOrdinaryUser(
      () => {
        chmodSync(parent, 0o755);
        chmodSync(directory, 0o555);
      },
      () => manager.onModuleInit(),
    );
    await expect(starting).rejects.toThrow('permission denied, EACCES (open)');
  });

  it('fails the start when the process may not make it', async () => {
    const manager = new FileSessionManager({ directory: join(parent, 'sessions') });
    const starting = asOrdinaryUser(
      () => chmodSync(parent, 0o555),
      () => manager.onModuleInit(),
    );
    await expect(starting).rejects.toThrow('permission denied, EACCES (mkdir)');
  });

  it('is warned of when the file system is full, which may pass', async () => {
    const directory = join(parent, 'sessions');
    const error = Object.assign(new Error('full'), { code: 'ENOSPC', syscall: 'write' });
    vi.spyOn(await flushing(), 'sync').mockRejectedValueOnce(error);
    onTestFinished(() => void vi.restoreAllMocks());
    const logger = new RecordingLogger();
    mkdirSync(directory);
    const manager = new FileSessionManager({ directory });
    manager.useLogger(logger);
    await manager.onModuleInit();
    expect(readdirSync(directory)).toEqual([]);
    expect(logger.at('warn')).toEqual([
      `Sessions cannot be stored in ${JSON.stringify(directory)} now: ENOSPC (write)`,
    ]);
  });

  it.each<[string, (directory: string) => SessionOptions]>([
    ['an instance', (directory) => ({ manager: new FileSessionManager({ directory }) })],
    ['a factory', (directory) => ({ manager: { useFactory: () => new FileSessionManager({ directory }) } })],
  ])('fails the start with a manager given as %s', async (_, options) => {
    const directory = file('file');
    await expect(start(options(directory))).rejects.toThrow(JSON.stringify(directory));
  });

  it('fails the start with a manager that another module provides', async () => {
    const directory = file('file');
    @Module({ providers: [{ provide: SessionManager, useFactory: () => new FileSessionManager({ directory }) }] })
    class StoreModule {}
    const starting = TestApp.start({ imports: [StoreModule], providers: [Gateway] });
    await expect(starting).rejects.toThrow(JSON.stringify(directory));
  });

  it('fails the start of an adapter without the module', async () => {
    const directory = file('file');
    const starting = TestApp.startWithout({ providers: [Gateway] }, (app) =>
      app.useWebSocketAdapter(new WebwireAdapter(app, { sessions: { directory } })),
    );
    await expect(starting).rejects.toThrow(JSON.stringify(directory));
  });
});

describe('the default directory of sessions', () => {
  /** Makes a program in a folder of its own the main script. */
  function mainScript(): string {
    const [, before] = process.argv;
    const script = join(parent, 'app', 'dist', 'main.js');
    mkdirSync(dirname(script), { recursive: true });
    writeFileSync(script, '');
    writeFileSync(join(parent, 'app', 'package.json'), '{"name":"app"}');
    process.argv[1] = script;
    onTestFinished(() => {
      process.argv[1] = before!;
    });
    return join(parent, 'app', 'wwrsess');
  }

  function environment(name: string): void {
    vi.stubEnv('NODE_ENV', name);
    onTestFinished(() => void vi.unstubAllEnvs());
  }

  const warning = (directory: string) =>
    `Sessions are kept in files in ${JSON.stringify(directory)}, the default directory`;

  it('is warned of once in production', async () => {
    const directory = mainScript();
    environment('production');
    const app = await start({});
    expect(app.logger.at('warn').map((line) => line.split('.')[0])).toEqual([
      expect.stringContaining(warning(directory)),
    ]);
    expect(existsSync(directory)).toBe(true);
  });

  it('is warned of with a manager that is made without options', async () => {
    const directory = mainScript();
    environment('production');
    const app = await start({ manager: { useFactory: () => new FileSessionManager() } });
    expect(app.logger.at('warn').join()).toContain(warning(directory));
  });

  it('is warned of by an adapter without the module', async () => {
    const directory = mainScript();
    environment('production');
    const app = await TestApp.startWithout({ providers: [Gateway] }, (application) =>
      application.useWebSocketAdapter(new WebwireAdapter(application)),
    );
    onTestFinished(() => app.close());
    expect(app.logger.at('warn').filter((line) => line.includes(warning(directory)))).toHaveLength(1);
  });

  it.each(['development', 'test', ''])('is not warned of with NODE_ENV "%s"', async (name) => {
    mainScript();
    environment(name);
    const app = await start({});
    expect(app.logger.at('warn')).toEqual([]);
  });

  it.each<[string, () => SessionOptions | false]>([
    ['a directory', () => ({ directory: join(parent, 'sessions') })],
    ['another manager', () => ({ manager: new MemorySessionManager() })],
    ['sessions switched off', () => false],
  ])('is neither made nor warned of with %s', async (_, options) => {
    const directory = mainScript();
    environment('production');
    const app = await start(options());
    expect(app.logger.at('warn')).toEqual([]);
    expect(existsSync(directory)).toBe(false);
  });

  it('fails the start if it cannot be used, with an error that calls it the default', async () => {
    const directory = mainScript();
    writeFileSync(directory, '');
    await expect(start({})).rejects.toThrow(
      `is ${JSON.stringify(directory)} by default, where sessions cannot be stored`,
    );
  });

  it('is used by an application without ports, which is checked too', async () => {
    const directory = mainScript();
    const module = await Test.createTestingModule({ imports: [WebwireModule.forRoot()] }).compile();
    await module.init();
    expect(existsSync(directory)).toBe(true);
    await module.close();
  });
});
