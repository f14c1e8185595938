import { parseArgs } from 'node:util';

/** Options of the command line. */
export interface Options {
  /** Duration of the load, warm-up included. */
  readonly seconds: number;
  /** Number of clients at a time. */
  readonly connections: number;
  /** Seed of all random decisions. */
  readonly seed: number;
}

export const USAGE = `Usage: npm run soak -- [options]

  --seconds <n>      how long the load lasts, at least 5 (default: 60)
  --connections <n>  clients at a time (default: 600)
  --seed <n>         makes the same decisions as a run before (default: a new one)
  --help             show this
`;

/**
 * Reads the command line; `undefined` if it asks for help.
 * @throws TypeError for an option that does not exist or an invalid number.
 */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '60' },
      connections: { type: 'string', default: '600' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const [seconds, connections, seed] = [Number(values.seconds), Number(values.connections), Number(values.seed)];
  if (!(seconds >= 5)) throw new TypeError('--seconds takes a number from 5');
  if (!(Number.isInteger(connections) && connections > 0)) throw new TypeError('--connections takes a number from 1');
  if (!Number.isInteger(seed)) throw new TypeError('--seed takes a whole number');
  return { seconds, connections, seed };
}
