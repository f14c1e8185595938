import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

export interface Options {
  readonly list: boolean;
  /** Whether the list is an array of names in JSON, or the results are printed in JSON as well. */
  readonly json: boolean;
  /** Words of which a row's name must be or contain one; empty for all rows. */
  readonly only: readonly string[];
  readonly ci: boolean;
  readonly fresh: boolean;
  /** The folder that holds the folders of the rows. */
  readonly folder: string;
}

export const USAGE = `Usage: npm run test:matrix -- [options]

  --only <words>  only rows whose name is one of the words or contains it, separated by commas
  --ci            only the rows that .ci/run runs
  --list          print the names of the rows, and run nothing
  --json          with --list: print them as JSON; else print the results as JSON, too
  --fresh         install everything again
  --help          print this

MATRIX_FOLDER is the folder for everything that is installed (default: a folder for this checkout in ${tmpdir()}).
`;

/**
 * Reads the command line; `undefined` if it asks for help.
 * @throws TypeError for an option that does not exist.
 */
export function readOptions(args: readonly string[], root: string): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', default: '' },
      ci: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      fresh: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const { ci, list, json, fresh } = values;
  return { ci, list, json, fresh, only: values.only.split(',').filter(Boolean), folder: folderOf(root) };
}

/** Two checkouts that run at the same time must not install into the same folder. */
function folderOf(root: string): string {
  const checkout = createHash('sha256').update(root).digest('hex').slice(0, 8);
  return process.env.MATRIX_FOLDER || join(tmpdir(), `nestjs-webwire-matrix-${checkout}`);
}
