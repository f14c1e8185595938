/** A setup file of Vitest: skips the tests that are left out on Bun, with the reason. */
import { relative } from 'node:path';
import { beforeEach } from 'vitest';
import { reasonToLeaveOut } from './left-out-on-bun.js';

beforeEach(({ task, skip }) => {
  const reason = reasonToLeaveOut(relative(process.cwd(), task.file.filepath), task.fullTestName);
  if (reason !== undefined) skip(reason);
});
