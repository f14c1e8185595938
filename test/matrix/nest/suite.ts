import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Row } from '../row.js';
import type { Manifest, Stage } from '../stage.js';
import { INDEPENDENT_PACKAGES, nestPackages, type NestVersion } from './versions.js';

/** What the tests need of the repository, beside its `node_modules`. */
const COPIED = [
  'lib',
  'dist',
  'test',
  'sample',
  'docs',
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
  'tsconfig.json',
  'nest-cli.json',
];

/** Rooms whose tests do not load Nest, or only as the server of something else. */
const WITHOUT_NEST = new Set(['protocol', 'common', 'docs', 'release', 'react', 'frameworks']);

/** The rooms that depend most on Nest. */
export const NEST_ROOMS = ['nest', 'package', 'client-module', 'testing', 'companions'].map((room) => `test/${room}`);

/**
 * Runs the tests with a version of Nest, in a copy of the repository that has it installed.
 *
 * @param ciRooms Folders of tests that run with `--ci` (default: none, so that `.ci/run` leaves the row out).
 */
export function suiteRow(version: NestVersion, ciRooms: readonly string[] = []): Row {
  return {
    name: `nest-${version.label}`,
    does: `runs the tests that load Nest with ${version.range}, or with --ci some of them`,
    inCi: ciRooms.length > 0,
    async run(stage) {
      await prepare(stage, version);
      const rooms = stage.isCi ? ciRooms : await roomsWithNest(stage);
      await stage.exec('npx', ['vitest', 'run', '--config', 'test/matrix/vitest.config.ts', ...rooms], {
        env: { WEBWIRE_BUILT: '1' },
      });
    },
  };
}

async function roomsWithNest(stage: Stage): Promise<string[]> {
  const entries = await readdir(join(stage.folder, 'test'), { withFileTypes: true });
  const rooms = entries.filter((entry) => entry.isDirectory() && !WITHOUT_NEST.has(entry.name));
  return rooms.map(({ name }) => `test/${name}/`);
}

async function prepare(stage: Stage, version: NestVersion): Promise<void> {
  for (const path of COPIED) await stage.copy(path);
  const samples = (await readdir(join(stage.root, 'sample'), { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `sample/${name}`);
  const workspaces: Record<string, Manifest> = {};
  for (const sample of samples) workspaces[sample] = withNest(version, await readJson(stage, `${sample}/package.json`));
  const lock = withoutNest(await readJson(stage, 'package-lock.json'));
  await stage.install(withNest(version, await readJson(stage, 'package.json')), { lock, workspaces });
  await stage.exec('npx', ['tsc', '-b', ...samples]);
  await stage.exec('npm', ['run', 'build:page']);
}

/** A manifest whose dependencies on packages of Nest, but not its peer dependencies, are those of a version. */
function withNest(version: NestVersion, manifest: Manifest): Manifest {
  const replaced = ['dependencies', 'devDependencies'].map((kind) => {
    const dependencies = (manifest[kind] ?? {}) as Record<string, string>;
    const names = Object.keys(dependencies).filter(
      (name) => name.startsWith('@nestjs/') && !INDEPENDENT_PACKAGES.has(name),
    );
    return [
      kind,
      {
        ...dependencies,
        ...nestPackages(
          version,
          names.map((name) => name.replace('@nestjs/', '')),
        ),
      },
    ];
  });
  return { ...manifest, ...(Object.fromEntries(replaced) as Manifest) };
}

/** A lock file that lets npm choose the versions of Nest and of what it depends on. */
function withoutNest(lock: Manifest): Manifest {
  const packages = Object.entries(lock.packages as Record<string, unknown>);
  return {
    ...lock,
    packages: Object.fromEntries(packages.filter(([path]) => !path.includes('node_modules/@nestjs/'))),
  };
}

async function readJson(stage: Stage, path: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(stage.root, path), 'utf8')) as Manifest;
}
