import { readFile, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { escapeDeceptive } from './escape-deceptive.js';
import { writeTypes } from './types/write-types.js';

const USAGE = `Usage: webwire types [document.json] [-o api.ts]

Writes TypeScript types for WebwireClient<Api> from a document that createWebwireDocument() has made.
Without a file, or with -, it reads standard input. Without -o, it writes to standard output.
`;

/** Exit codes. */
const OK = 0;
const FAILED = 1;
const WRONG_USAGE = 2;

/** The streams of the program. */
export interface Streams {
  readonly stdin: AsyncIterable<Uint8Array | string>;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/**
 * Runs the program `webwire`.
 * @param args The arguments after the name of the program.
 * @returns The exit code: 0; 1 if a file cannot be read, written or understood; 2 for wrong arguments.
 */
export async function run(args: string[], { stdin, stdout, stderr }: Streams = process): Promise<number> {
  const [command, ...rest] = args;
  if (command === undefined || command === '--help' || command === '-h' || command === 'help') {
    stdout.write(USAGE);
    return command === undefined ? WRONG_USAGE : OK;
  }
  if (command !== 'types') return refuse(`there is no command ${JSON.stringify(command)}`, stderr);
  let file: string;
  let output: string | undefined;
  try {
    const { values, positionals } = parseArgs({
      args: rest,
      options: { output: { type: 'string', short: 'o' } },
      allowPositionals: true,
    });
    if (positionals.length > 1) return refuse('there is more than one document', stderr);
    [file = '-'] = positionals;
    output = values.output;
  } catch (error) {
    return refuse((error as Error).message, stderr);
  }
  let place = file;
  try {
    const source = file === '-' ? await text(stdin as AsyncIterable<Uint8Array>) : await readFile(file, 'utf8');
    // Some programs write a byte-order mark.
    const types = writeTypes(JSON.parse(source.replace(/^\ufeff/, '')) as unknown);
    if (output === undefined) {
      stdout.write(types);
    } else {
      place = output;
      await writeFile(output, types);
    }
    return OK;
  } catch (error) {
    const reason = error instanceof RangeError ? 'it is nested too deeply' : (error as Error).message;
    stderr.write(`webwire types: ${place}: ${escapeDeceptive(reason)}\n`);
    return FAILED;
  }
}

function refuse(reason: string, stderr: Streams['stderr']): number {
  stderr.write(`webwire: ${reason}\n\n${USAGE}`);
  return WRONG_USAGE;
}
