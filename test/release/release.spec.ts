import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VERSION } from '../../lib/client/version.js';
import { ReleaseFiles } from './release-files.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

describe('the repository', () => {
  it('has one version in the manifest, the lock file and the changelog, and no malformed change', async () => {
    expect(await new ReleaseFiles(ROOT).problems()).toEqual([]);
  });

  it('has a manifest that is complete, with all links or none: the workflow that publishes adds them', async () => {
    const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as Record<string, unknown>;
    const members = ['name', 'version', 'description', 'keywords', 'license', 'author', 'engines', 'files'];
    expect(Object.keys(manifest)).toEqual(expect.arrayContaining(members));
    const links = ['repository', 'homepage', 'bugs'].filter((member) => member in manifest);
    expect([0, 3]).toContain(links.length);
    expect(manifest.publishConfig).toEqual({ access: 'public', provenance: true });
  });
});

it('clients send the version of the manifest', async () => {
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  expect(version.startsWith(`${VERSION}.`)).toBe(true);
});

describe('a release', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'webwire-release-'));
    await mkdir(join(folder, '.changes'));
    await cp(join(ROOT, '.changes/README.md'), join(folder, '.changes/README.md'));
    await setVersion('0.2.0');
    await mkdir(join(folder, 'lib/client'), { recursive: true });
    await writeFile(join(folder, 'lib/client/version.ts'), "export const VERSION = '0.2';\n");
    await writeFile(
      join(folder, 'CHANGELOG.md'),
      '# Changelog\n\nText.\n\n## [0.2.0] - 2026-11-26\n\n### Added\n\n- All.\n',
    );
  });

  afterEach(() => rm(folder, { recursive: true }));

  async function setVersion(version: string): Promise<void> {
    await writeFile(join(folder, 'package.json'), JSON.stringify({ version }));
    await writeFile(join(folder, 'package-lock.json'), JSON.stringify({ version, packages: { '': { version } } }));
  }

  async function change(name: string, text: string): Promise<void> {
    await writeFile(join(folder, '.changes', name), text);
  }

  const prepare = (previous: string, version: string) =>
    new ReleaseFiles(folder).prepare(previous, version, '2027-01-31');
  const problems = () => new ReleaseFiles(folder).problems();
  const problemsOf = (tag: string) => new ReleaseFiles(folder).problemsOf(tag);

  it('moves the pending changes into the changelog, section by section', async () => {
    await change('b.md', '### Fixed\n\n- Second fix,\n  in two lines.\n\n### Added\n\n- Thing.\n');
    await change('a.md', '### Fixed\n- First fix.\n');
    await prepare('0.2.0', '0.3.0');
    await setVersion('0.3.0');
    expect(await readFile(join(folder, 'CHANGELOG.md'), 'utf8')).toBe(
      `# Changelog

Text.

## [0.3.0] - 2027-01-31

### Added

- Thing.

### Fixed

- First fix.
- Second fix,
  in two lines.

## [0.2.0] - 2026-11-26

### Added

- All.
`,
    );
    expect(await readdir(join(folder, '.changes'))).toEqual(['README.md']);
    expect(await problemsOf('v0.3.0')).toEqual([]);
    expect(await readFile(join(folder, 'lib/client/version.ts'), 'utf8')).toBe("export const VERSION = '0.3';\n");
  });

  it('can be the first one of a changelog', async () => {
    await writeFile(join(folder, 'CHANGELOG.md'), '# Changelog\n');
    await change('a.md', '### Added\n\n- Thing.\n');
    await prepare('0.2.0', '0.3.0');
    expect(await readFile(join(folder, 'CHANGELOG.md'), 'utf8')).toBe(
      '# Changelog\n\n## [0.3.0] - 2027-01-31\n\n### Added\n\n- Thing.\n',
    );
  });

  it.each([
    ['0.2.0', '0.2.1', '### Fixed\n- A.', undefined],
    ['0.2.0', '0.2.1', '### Security\n- A.', undefined],
    ['0.2.0', '0.2.1', '### Added\n- A.', 'minor'],
    ['0.2.0', '0.2.1', '### Changed\n- A.', 'minor'],
    ['0.2.0', '0.2.1', '### Removed\n- A.', 'minor'],
    ['0.2.0', '0.2.1', '### Fixed\n- **Breaking:** A.', 'minor'],
    ['0.9.0', '0.10.0', '### Removed\n- A.', undefined],
    ['0.9.3', '1.0.0', '### Fixed\n- A.', undefined],
    ['1.2.3', '1.3.0', '### Changed\n- A.', undefined],
    ['1.2.3', '1.3.0', '### Changed\n- A.\n- **Breaking:** B.', 'major'],
    ['1.2.3', '1.3.0', '### Removed\n- A.', 'major'],
    ['1.2.3', '2.0.0', '### Removed\n- A.', undefined],
  ])('from %s to %s with %j needs a greater part of the version: %s', async (previous, next, text, required) => {
    await change('a.md', text);
    const refusal = await prepare(previous, next).then(
      () => undefined,
      (error: Error) => error.message,
    );
    expect(refusal?.match(/need a new (\w+) version/)?.[1]).toBe(required);
  });

  it.each(['0.2.0', '0.1.9', '0.3.0-beta.1', 'next'])('of 0.2.0 cannot be %s', async (version) => {
    await change('a.md', '### Fixed\n- A.');
    await expect(prepare('0.2.0', version)).rejects.toThrow(version);
  });

  it('needs changes', async () => {
    await expect(prepare('0.2.0', '0.2.1')).rejects.toThrow('no files in .changes');
  });

  it.each([
    ['- Thing.', 'must be below a heading'],
    ['', 'there is no heading'],
    ['### Improved\n- Thing.', '"### Improved" must be one of'],
    ['## Fixed\n- Thing.', '"## Fixed" must be one of'],
    ['### Fixed\n- A.\n### Fixed\n- B.', 'occurs twice'],
    ['### Fixed\n\n### Added\n- A.', '"### Fixed" must be followed by a list'],
    ['### Fixed\nA sentence.', '"### Fixed" must be followed by a list'],
  ])('refuses a change %j', async (text, problem) => {
    await change('thing.md', text);
    expect(await problems()).toEqual([expect.stringContaining(problem)]);
    expect(await problems()).toEqual([expect.stringContaining('.changes/thing.md')]);
    await expect(prepare('0.2.0', '0.3.0')).rejects.toThrow(problem);
    expect(await readdir(join(folder, '.changes'))).toContain('thing.md');
  });

  it('may have pending changes until it is tagged', async () => {
    await change('a.md', '### Fixed\n- A.');
    expect(await problems()).toEqual([]);
    expect(await problemsOf('v0.2.0')).toEqual(['not yet in CHANGELOG.md: .changes/a.md']);
  });

  it.each(['v0.2.1', '0.2.0', ''])('of 0.2.0 is not published from the tag "%s"', async (tag) => {
    expect(await problemsOf(tag)).toEqual([expect.stringContaining(`the tag is "${tag}"`)]);
  });

  it('has the version of the lock file', async () => {
    const lock = { version: '0.2.0', packages: { '': { version: '0.1.0' } } };
    await writeFile(join(folder, 'package-lock.json'), JSON.stringify(lock));
    expect(await problems()).toEqual(['package-lock.json has version 0.1.0, package.json 0.2.0']);
  });

  it.each(['## [Unreleased]', '## [0.1.0] - 2026-11-26', '## 0.2.0', '## [0.2.0]'])(
    'of 0.2.0 needs its heading in the changelog, not "%s"',
    async (heading) => {
      await writeFile(join(folder, 'CHANGELOG.md'), `# Changelog\n\n${heading}\n`);
      expect(await problems()).toEqual([expect.stringContaining('the newest release of CHANGELOG.md is')]);
    },
  );

  it('is of a day that exists', async () => {
    await writeFile(join(folder, 'CHANGELOG.md'), '# Changelog\n\n## [0.2.0] - 2026-02-30\n');
    expect(await problems()).toEqual(['CHANGELOG.md has a release of 2026-02-30, which is no day']);
  });
});
