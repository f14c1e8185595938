import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FileSessionManager } from '../../../lib/session/stores/file/file-session-manager.js';
import { readSessionJson } from '../../../lib/session/stores/session-record-json.js';
import { temporaryName } from '../../../lib/session/stores/file/temporary-file.js';
import { compileSessions } from '../compiled.js';
import { newSession } from '../new-session.js';
import { temporaryDirectory } from '../temporary-directory.js';

const HOUR = 60 * 60 * 1000;

/** The name of a temporary file that another process, or an earlier one, wrote on this machine. */
function temporaryNameOf(pid: number, host = temporaryName().split('-')[1]!): string {
  return `.wwrsess-${host}-${pid}-0123456789abcdef-1.tmp`;
}

/** The id of a process that has ended. */
function endedProcess(): number {
  return spawnSync(process.execPath, ['--version']).pid;
}

/** True if a temporary file still exists after the first use of a manager. */
async function outlives(name: string, writtenAt = Date.now()): Promise<boolean> {
  const directory = temporaryDirectory();
  const path = join(directory, name);
  writeFileSync(path, '{"c":');
  utimesSync(path, writtenAt / 1000, writtenAt / 1000);
  await new FileSessionManager({ directory }).onSessionLookup('key');
  return existsSync(path);
}

describe('a temporary file that is left', () => {
  it('by a process that has ended is removed on first use', async () => {
    expect(await outlives(temporaryNameOf(endedProcess()))).toBe(false);
  });

  it('by a process that lives is kept', async () => {
    expect(await outlives(temporaryNameOf(process.ppid))).toBe(true);
  });

  it('by any process more than an hour ago is removed', async () => {
    expect(await outlives(temporaryNameOf(process.ppid), Date.now() - HOUR - 1000)).toBe(false);
  });

  it('by this process right now is kept', async () => {
    expect(await outlives(temporaryName())).toBe(true);
  });

  it('by a thread of this process right now is kept', async () => {
    expect(await outlives(temporaryNameOf(process.pid))).toBe(true);
  });

  it('by an earlier process with the same id, as in a restarted container, is removed', async () => {
    expect(await outlives(temporaryNameOf(process.pid), Date.now() - process.uptime() * 1000 - 1000)).toBe(false);
  });

  it('on another machine, where other processes live, is kept for an hour', async () => {
    const name = temporaryNameOf(endedProcess(), '00000000');
    expect(await outlives(name)).toBe(true);
    expect(await outlives(name, Date.now() - HOUR - 1000)).toBe(false);
  });

  it.each(['.wwrsess-1.tmp', 'notes.tmp', '.gitignore'])('by something else is kept: %s', async (name) => {
    expect(await outlives(name, Date.now() - 2 * HOUR)).toBe(true);
  });

  it('and cannot be removed does not fail the manager', async () => {
    const directory = temporaryDirectory();
    const name = temporaryNameOf(endedProcess());
    mkdirSync(join(directory, name));
    const manager = new FileSessionManager({ directory });
    await manager.onSessionCreated(newSession('key'));
    expect(readdirSync(directory).sort()).toEqual([name, 'key.wwrsess']);
  });
});

/** Creates, looks up and closes sessions in several lanes at once, and reports each operation, until it is killed. */
const worker = (compiled: (module: string) => string): string => `
  const { FileSessionManager } = await import(${compiled('session/stores/file/file-session-manager')});
  const { Session } = await import(${compiled('session/session')});
  const manager = new FileSessionManager({ directory: process.argv[1], maxAge: 1e6 });
  async function work(lane) {
    for (let round = 0; ; round++) {
      const key = 'lane-' + lane + '-' + (round % 3);
      const now = new Date();
      const info = { text: 'x'.repeat(1 + (round % 5) * 20_000) };
      await manager.onSessionCreated({ id: '1', session: new Session(key, { createdAt: now, lastLookupAt: now, info }) });
      const record = await manager.onSessionLookup(key);
      if (record?.info.text !== info.text) throw new Error('found something else');
      if (round % 7 === 6) await manager.onSessionClosed(key);
      process.stdout.write('.');
    }
  }
  for (let lane = 0; lane < 4; lane++) work(lane);
`;

/** About half of them interrupt a write, as intended. The probability that none does is one in a million. */
const KILLS = 20;

/** Operations before the latest kill: enough for every lane to close a session, which happens in its seventh round. */
const OPERATIONS = 30;

describe('a process that is killed', () => {
  it('leaves only whole sessions, at any moment', { timeout: 120_000 }, async ({ signal: overtime }) => {
    const parent = temporaryDirectory();
    const directory = join(parent, 'sessions');
    const code = worker(compileSessions(parent));
    let found = 0;
    let interrupted = 0;

    for (let kills = 0; kills < KILLS; kills++) {
      overtime.throwIfAborted();
      const child = spawn(process.execPath, ['--input-type=module', '--eval', code, directory], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const closed = once(child, 'close') as Promise<[number | null, string | null]>;
      // Registered after the directory, so done before it is removed, even if the test fails.
      onTestFinished(async () => {
        child.kill('SIGKILL');
        await closed;
      });
      let errors = '';
      child.stderr.on('data', (chunk) => (errors += String(chunk)));
      // The arrival of the last of these determines the moment at which it is killed.
      let operations = Math.floor(Math.random() * OPERATIONS);
      child.stdout.on('data', (chunk: Buffer) => {
        operations -= chunk.length;
        if (operations <= 0) child.kill('SIGKILL');
      });
      const [, signal] = await closed;
      expect({ signal, errors }).toEqual({ signal: 'SIGKILL', errors: '' });

      const names = readdirSync(directory);
      const sessions = names.filter((name) => name.endsWith('.wwrsess'));
      for (const name of sessions) readSessionJson(readFileSync(join(directory, name)));
      found += sessions.length;
      if (names.length > sessions.length) interrupted++;
    }

    // Checks that some kills have interrupted a write.
    expect(found).toBeGreaterThan(0);
    expect(interrupted).toBeGreaterThan(0);
    const manager = new FileSessionManager({ directory });
    for (const name of readdirSync(directory).filter((file) => file.endsWith('.wwrsess'))) {
      expect(await manager.onSessionLookup(name.replace('.wwrsess', ''))).not.toBeNull();
    }
    expect(readdirSync(directory).filter((name) => !name.endsWith('.wwrsess'))).toEqual([]);
  });
});
