import { createRequire } from 'node:module';

const { version } = createRequire(import.meta.url)('@nestjs/core/package.json') as { version: string };

/** Returns `true` if the installed version of Nest is the given one or a later one. */
export function isNestSince(given: string): boolean {
  return version.localeCompare(given, 'en', { numeric: true }) >= 0;
}
