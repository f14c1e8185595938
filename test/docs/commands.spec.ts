import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { copyRepository } from '../package/packed-package.js';
import { freePort } from '../support/free-port.js';
import { COMMANDS, DECISIONS, folderOf } from './commands.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const hasCurl = spawnSync('curl', ['--version']).status === 0;

describe('the commands of the documents', () => {
  it('are all run by a test, or there is a reason: each has a row in commands.ts', () => {
    const decided = Object.entries(DECISIONS).map(
      ([page, decisions]) => [page, Object.keys(decisions).sort()] as const,
    );
    const found = [...COMMANDS].map(([page, commands]) => [page, [...commands].sort()] as const);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(decided));
  });

  it.each(Object.entries(DECISIONS))('%s: are in these tests', async (_page, decisions) => {
    const missing: string[] = [];
    for (const [command, decision] of Object.entries(decisions)) {
      if ('not' in decision) continue;
      const test = await readFile(join(ROOT, decision.in), 'utf8');
      if (!test.includes(decision.as ?? command)) missing.push(`${decision.in}: ${decision.as ?? command}`);
    }
    expect(missing).toEqual([]);
  });

  it.each([...COMMANDS])('%s: have scripts of npm', async (page, commands) => {
    const manifest = JSON.parse(await readFile(join(ROOT, folderOf(page), 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const scripts = commands.flatMap((command) => /npm (?:run )?(start|test|(?<=run )[\w:]+)/.exec(command)?.[1] ?? []);
    // `npm run dev` is a script of Vite's project, and the samples are built in the root.
    const elsewhere = new Set(['dev', 'build:sample']);
    expect(scripts.filter((name) => !elsewhere.has(name) && !(name in manifest.scripts))).toEqual([]);
  });
});

describe('in a clone', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'webwire-commands-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** A command in a shell, with all that it starts, until the end of the test. */
  function start(command: string, cwd: string, variables: Record<string, string> = {}) {
    const shell = spawn('sh', ['-c', command], {
      cwd: isAbsolute(cwd) ? cwd : join(ROOT, cwd),
      env: { ...process.env, NO_COLOR: '1', ...variables },
      stdio: 'pipe',
      detached: true,
    });
    const ended = once(shell, 'close') as Promise<[number | null]>;
    onTestFinished(async () => {
      try {
        process.kill(-shell.pid!, 'SIGKILL');
      } catch {
        // All of its processes have ended.
      }
      await ended;
    });
    return { shell, ended };
  }

  /** Runs a command to its end, which has to be a success. @returns Its output. */
  async function run(command: string, cwd: string, variables?: Record<string, string>): Promise<string> {
    const { shell, ended } = start(command, cwd, variables);
    shell.stdin.end();
    const [output, errors, [code]] = await Promise.all([text(shell.stdout), text(shell.stderr), ended]);
    expect({ command, code, errors }).toEqual({ command, code: 0, errors: '' });
    return output;
  }

  /** Starts a command, and waits for a line of it. */
  async function startUntil(pattern: RegExp, command: string, cwd: string, variables: Record<string, string>) {
    const { shell, ended } = start(command, cwd, variables);
    let output = '';
    return new Promise<RegExpExecArray>((resolve, reject) => {
      const read = (chunk: Buffer) => {
        output += String(chunk);
        const found = pattern.exec(output);
        if (found) resolve(found);
      };
      shell.stdout.on('data', read);
      shell.stderr.on('data', read);
      void ended.then(() => reject(new Error(`${command} ended: ${output}`)));
    });
  }

  it('npm start opens the chat room, and npm run chat joins it', async () => {
    const PORT = String(await freePort());
    const variables = { PORT, SESSION_DIRECTORY: join(folder, 'sessions') };
    // The second half of `npm start`: the first is the build that other tests use meanwhile.
    await startUntil(/The chat room is open/, 'npm start -w webwire-sample-chatroom', '.', variables);
    for (const cwd of ['.', 'sample/06-cluster']) {
      await startUntil(/Sign in/, `npm run chat -- --session ${join(folder, 'session')}`, cwd, variables);
    }
    expect(await run('npm run chat -- --help', '.')).toContain('Usage: npm run chat');
  });

  it('npm start and npm run client of the first sample talk to each other', async () => {
    const [, port] = await startUntil(/ws:\/\/localhost:(\d+)\n/, 'npm start', 'sample/01-echo', { PORT: '0' });
    const output = await run(`npm run client -- ws://localhost:${port}`, 'sample/01-echo');
    expect(output).toContain('echo -> reply: Hello, WebWire!');
  });

  it('the loop of docs/deployment.md restarts one server after the other', async ({ skip }) => {
    skip(!hasCurl && !process.env.CI, 'there is no curl on the PATH');
    const ports = await Promise.all([freePort(), freePort(), freePort()]);
    const loop = COMMANDS.get('docs/deployment.md')!.find((command) => command.startsWith('for port in'))!;
    // In place of systemd, which needs a machine of its own: starts a server as `webwire@.service` does.
    const programs = join(folder, 'bin');
    await mkdir(programs);
    await writeFile(
      join(programs, 'systemctl'),
      `#!/bin/sh\nPORT=\${2#webwire@} npm start --prefix "${ROOT}sample/08-deployment" >>"${folder}/log" 2>&1 &\n`,
    );
    await chmod(join(programs, 'systemctl'), 0o755);
    await run(loop.replace('3001 3002 3003', ports.join(' ')), '.', { PATH: `${programs}:${process.env.PATH}` });
    const log = await readFile(join(folder, 'log'), 'utf8');
    const started = [...log.matchAll(/WebWire at ws:\/\/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port));
    expect(started).toEqual(ports);
  });

  it('npm run bench has options', { timeout: 180_000 }, async () => {
    const clone = join(folder, 'clone');
    await copyRepository(clone);
    // The build takes as long as all else, and is the one that the other tests use.
    await cp(join(ROOT, 'dist'), join(clone, 'dist'), { recursive: true });
    await run('npm pkg set scripts.build=true', clone);
    expect(await run('npm run bench -- --help', clone)).toContain('Usage: npm run bench -- [options]');
  });
});
