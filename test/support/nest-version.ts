import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

// Nest 12.0.1 does not export its package.json.
const core = dirname(createRequire(import.meta.url).resolve('@nestjs/core'));
const { version } = JSON.parse(readFileSync(join(core, 'package.json'), 'utf8')) as { version: string };

/** The reason to skip a test of `StandardSchemaValidationPipe`. */
export const WITHOUT_STANDARD_SCHEMA = 'Nest 11 has no StandardSchemaValidationPipe';

/** The reason to skip tests of instrumented providers. */
export const WITHOUT_INSTRUMENT = 'Nest before 11.1.4 has no option instrument';

/** Returns `true` if the installed version of Nest is the given one or a later one. */
export function isNestSince(given: string): boolean {
  return version.localeCompare(given, 'en', { numeric: true }) >= 0;
}
