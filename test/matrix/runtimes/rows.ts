import { join } from 'node:path';
import type { Row } from '../row.js';

/** Rooms whose code uses parts of the runtime, and the samples. */
export const RUNTIME_ROOMS = ['transport', 'server', 'client', 'redis', 'session', 'e2e'].map((room) => `test/${room}`);

/** What runs on Bun besides: each transport, that of Bun included. */
const BUN_ROOMS = [...RUNTIME_ROOMS, 'test/contract', 'test/bun/bun-transport'];

const VITEST = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/matrix/vitest.config.ts'];

/**
 * Runs tests on a version of Node.js, which comes from npm, with the packages that the repository has installed.
 *
 * @param version As npm takes it.
 * @param rooms Folders of tests (default: all).
 */
export function nodeRow(version: string, rooms: readonly string[] = []): Row {
  return {
    name: `node-${version}`,
    does: `runs ${rooms.length === 0 ? 'all tests' : roomNames(rooms)} on Node.js ${version}`,
    async run(stage) {
      const binaries = `node-${process.platform}-${process.arch}`;
      await stage.install({ dependencies: { [binaries]: version } });
      stage.usePath(join(stage.folder, 'node_modules', binaries, 'bin'));
      await stage.exec('node', [...VITEST, ...rooms], { cwd: stage.root });
    },
  };
}

/**
 * Runs the tests of `BUN_ROOMS` on a version of Bun, without those of `LEFT_OUT_ON_BUN`.
 *
 * @param version As npm takes it.
 */
export function bunRow(version: string): Row {
  return {
    name: `bun-${version}`,
    does: `runs ${roomNames(BUN_ROOMS)} on Bun ${version}, without the tests in left-out-on-bun.ts`,
    async run(stage) {
      await stage.install({ dependencies: { bun: version } });
      stage.usePath(join(stage.folder, 'node_modules/.bin'));
      // Without --bun, programs whose first line names Node.js would run on it.
      await stage.exec('bun', ['--bun', ...VITEST, ...BUN_ROOMS], { cwd: stage.root });
    },
  };
}

function roomNames(rooms: readonly string[]): string {
  return rooms.map((room) => room.replace('test/', '')).join(', ');
}
