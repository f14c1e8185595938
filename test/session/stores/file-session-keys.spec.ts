import { copyFileSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FileSessionManager } from '../../../lib/session/stores/file/file-session-manager.js';
import { failureOf, RECORDED, RECORDED_KEY, setUp } from './file-store.js';
import { newSession } from '../new-session.js';
import { temporaryDirectory } from '../temporary-directory.js';

/** Every file below a directory, with the metadata that a change, though not a read, would alter. */
function snapshot(directory: string): unknown[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const path = join(directory, name);
      const { mode, ino, mtimeMs } = statSync(path);
      return { name, mode, ino, mtimeMs, text: statSync(path).isFile() ? readFileSync(path, 'utf8') : null };
    });
}

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

  it('is distinguished from safe keys', async () => {
    const { manager } = setUp();
    for (const key of ['x'.repeat(247), '-', '--help', '_', '=', 'CON-', 'com10', RECORDED_KEY]) {
      await manager.onSessionCreated(newSession(key, { key }));
      expect((await manager.onSessionLookup(key))?.info).toEqual({ key });
    }
  });
});
