import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ReleaseFiles } from './release-files.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const COPIED = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'CHANGELOG.md',
  '.changes',
  'test/release',
  'lib/client/version.ts',
];

const execute = promisify(execFile);

// A compiler and several processes of npm and git may take long on a busy machine.
describe('npm version', { timeout: 180_000 }, () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'webwire-version-'));
    for (const path of COPIED) await cp(join(ROOT, path), join(folder, path), { recursive: true });
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'junction');
    await writeFile(join(folder, '.gitignore'), 'node_modules\n.release\n');
    await writeFile(join(folder, '.changes/thing.md'), '### Added\n\n- A thing.\n');
    await run('git', 'init', '--quiet');
    await run('git', 'config', 'user.name', 'Somebody');
    await run('git', 'config', 'user.email', 'somebody@example.com');
    await run('git', 'add', '--all');
    await run('git', 'commit', '--quiet', '--message', 'feat: add a thing');
  });

  afterEach(() => rm(folder, { recursive: true }));

  async function run(command: string, ...args: string[]): Promise<string> {
    const { stdout } = await execute(command, args, { cwd: folder });
    return stdout.trim();
  }

  it('commits and tags a version with what changed in it', async () => {
    await run('npm', 'version', 'minor');
    const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
    const changelog = await readFile(join(folder, 'CHANGELOG.md'), 'utf8');
    expect(changelog).toMatch(
      new RegExp(`^## \\[${version}\\] - .*\\n\\n### Added\\n\\n(?:[- ] .*\\n)*- A thing\\.$`, 'm'),
    );
    expect(await run('git', 'status', '--porcelain')).toBe('');
    expect(await run('git', 'tag', '--points-at', 'HEAD')).toBe(`v${version}`);
    expect(await new ReleaseFiles(folder).problemsOf(`v${version}`)).toEqual([]);
  });

  it('changes nothing when the version is too small', async () => {
    await expect(run('npm', 'version', 'patch')).rejects.toThrow('need a new minor version');
    expect(await run('git', 'status', '--porcelain')).toBe('');
  });
});
