import { frontEndRow } from './front-end/front-end.js';
import { reactNativeRow } from './front-end/react-native.js';
import { echoRow } from './nest/echo.js';
import { NEST_ROOMS, suiteRow } from './nest/suite.js';
import { NEST_VERSIONS } from './nest/versions.js';
import type { Row } from './row.js';
import { denoRow } from './runtimes/deno.js';
import { bunRow, nodeRow, RUNTIME_ROOMS } from './runtimes/rows.js';
import { toolchainRows } from './toolchains/rows.js';

/** All rows, in the order in which they run. */
export const rows: readonly Row[] = [
  suiteRow(NEST_VERSIONS['11-lowest'], NEST_ROOMS),
  suiteRow(NEST_VERSIONS['11-newest'], [...NEST_ROOMS, 'test/e2e']),
  suiteRow(NEST_VERSIONS['12-lowest']),
  // The repository's own lock file has a new version of Nest 12, with which .ci/run runs all tests.
  suiteRow(NEST_VERSIONS['12-newest']),
  ...Object.values(NEST_VERSIONS).map(echoRow),
  // The lowest supported version and the newest one; between them, the rooms that touch the runtime.
  nodeRow('20.19.0'),
  nodeRow('22', RUNTIME_ROOMS),
  nodeRow('24', RUNTIME_ROOMS),
  nodeRow('26'),
  bunRow('1.4'),
  denoRow('2'),
  frontEndRow,
  reactNativeRow,
  ...toolchainRows,
];
