import { echoRow } from './nest/echo.js';
import { suiteRow } from './nest/suite.js';
import { NEST_VERSIONS } from './nest/versions.js';
import type { Row } from './row.js';
import { nodeRow, RUNTIME_ROOMS } from './runtimes/node.js';

/** All rows, in the order in which they run. */
export const rows: readonly Row[] = [
  suiteRow(NEST_VERSIONS['11-lowest'], true),
  suiteRow(NEST_VERSIONS['11-newest'], true),
  suiteRow(NEST_VERSIONS['12-lowest'], true),
  // The repository's own lock file has a new version of Nest 12, with which .ci/run runs all tests.
  suiteRow(NEST_VERSIONS['12-newest'], false),
  ...Object.values(NEST_VERSIONS).map(echoRow),
  // The lowest supported version and the newest one; between them, the rooms that touch the runtime.
  nodeRow('20.19.0'),
  nodeRow('22', RUNTIME_ROOMS),
  nodeRow('24', RUNTIME_ROOMS),
  nodeRow('26'),
];
