import { join } from 'node:path';
import type { Row } from '../row.js';

/** Rooms whose code uses parts of the runtime, and the samples. */
export const RUNTIME_ROOMS = ['transport', 'server', 'client', 'redis', 'session', 'e2e'].map((room) => `test/${room}`);

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
    does: `runs ${rooms.length === 0 ? 'all tests' : rooms.map((room) => room.replace('test/', '')).join(', ')} on Node.js ${version}`,
    async run(stage) {
      const binaries = `node-${process.platform}-${process.arch}`;
      await stage.install({ dependencies: { [binaries]: version } });
      stage.usePath(join(stage.folder, 'node_modules', binaries, 'bin'));
      await stage.exec('node', [...VITEST, ...rooms], { cwd: stage.root });
    },
  };
}
