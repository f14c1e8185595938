import { parseArgs } from 'node:util';

/** Options of the command line. */
export interface Options {
  /** Duration of one measurement, in ms. */
  readonly duration: number;
  readonly rounds: number;
  /** Another checkout, in which the benchmark was built: its nodes are measured instead of those of other libraries. */
  readonly against: string | undefined;
}

export const USAGE = `Usage: npm run bench:cluster -- [options]

  --seconds <n>    measured seconds per contender and round (default: 2)
  --rounds <n>     rounds (default: 3)
  --quick          a first impression: one round of half a second
  --against <dir>  compare with another checkout, in which npm run bench:cluster -- --help was run
  --help           show this
`;

/**
 * Reads the command line; `undefined` if it asks for help.
 * @throws TypeError for an option that does not exist or an invalid value.
 */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string' },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      against: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const { quick, against, help } = values;
  if (help) return undefined;
  const seconds = Number(values.seconds ?? (quick ? 0.5 : 2));
  const rounds = Number(values.rounds ?? (quick ? 1 : 3));
  if (!(seconds > 0 && seconds <= 60)) throw new TypeError('--seconds takes a number up to 60');
  if (!(Number.isInteger(rounds) && rounds > 0)) throw new TypeError('--rounds takes a whole number from 1');
  return { duration: seconds * 1_000, rounds, against };
}
