import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve, sep } from 'node:path';

const DIRECTORY_NAME = 'wwrsess';

/** Members of a `package.json` that only says how Node.js loads the files beside it, as build tools write it. */
const FORMAT_MEMBERS = new Set(['type', 'sideEffects']);

/**
 * Returns the folder `wwrsess` beside the nearest `package.json` of the program's main script, so that a build that empties
 * the folder of the script does not delete it. Without a `package.json`, the folder beside the script.
 *
 * A `package.json` that a build or an installation replaces is skipped if another one is above it: one that only sets the
 * module format, and one in `node_modules`, such as that of a test runner.
 */
export function defaultDirectory(): string {
  const script = mainDirectory();
  const packages = ancestorsOf(script).filter((directory) => existsSync(join(directory, 'package.json')));
  const lasting = packages.find((directory) => !isInstalled(directory) && !isBuilt(directory));
  return join(lasting ?? packages[0] ?? script, DIRECTORY_NAME);
}

/** The directory of the script that Node.js was started with; the current directory without one, as in a REPL. */
function mainDirectory(): string {
  const script = process.argv[1];
  if (script === undefined) return process.cwd();
  try {
    // Resolves `node .` and `node dist/main` as Node.js does. The path is absolute, so that it may start anywhere.
    return dirname(createRequire(resolve('/')).resolve(resolve(script)));
  } catch {
    // Not a script: an argument of `node --eval`, or `-`.
    return process.cwd();
  }
}

/** A directory and all above it, from the inside out. */
function ancestorsOf(directory: string): string[] {
  const parent = dirname(directory);
  return parent === directory ? [directory] : [directory, ...ancestorsOf(parent)];
}

function isInstalled(directory: string): boolean {
  return directory.split(sep).includes('node_modules');
}

function isBuilt(directory: string): boolean {
  try {
    const content: unknown = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    return Object.keys(content as object).every((member) => FORMAT_MEMBERS.has(member));
  } catch {
    return false;
  }
}
