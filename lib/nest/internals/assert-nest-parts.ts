import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** The peer dependency range of `@nestjs/common`, `@nestjs/core` and `@nestjs/websockets` in `package.json`. */
export const SUPPORTED_NEST_VERSIONS = '^11.0.8 || ^12.0.0';

const PACKAGES = ['@nestjs/common', '@nestjs/core', '@nestjs/websockets'];

/**
 * Checks that the installed version of Nest has the parts that this package uses.
 *
 * @param parts Parts by a name for the error; a missing part is `undefined`.
 * @param versionOf Returns the installed version of a package.
 * @throws Error that lists the missing parts, the supported versions of Nest and the installed ones.
 */
export function assertNestParts(parts: Readonly<Record<string, unknown>>, versionOf = installedVersionOf): void {
  const missing = Object.keys(parts).filter((name) => parts[name] === undefined);
  if (missing.length === 0) return;
  const installed = PACKAGES.map((name) => `${name} ${versionOf(name)}`).join(', ');
  throw new Error(
    `nestjs-webwire supports NestJS ${SUPPORTED_NEST_VERSIONS}, but the installed packages (${installed}) lack ` +
      `${missing.join(', ')}: install supported versions of all three, or a version of nestjs-webwire that supports yours`,
  );
}

/**
 * Looks from the main script, because this file has no URL of its own after Jest or a bundler has compiled it to CommonJS. Reads
 * the file, because not every version of Nest exports its `package.json`.
 */
function installedVersionOf(name: string): string {
  const main = join(process.argv[1] ?? process.cwd(), 'index.js');
  for (const folder of createRequire(main).resolve.paths(name) ?? []) {
    try {
      const { version } = JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8')) as { version: string };
      return version;
    } catch {
      // The package is not in this folder.
    }
  }
  return 'of an unknown version';
}
