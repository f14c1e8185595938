import { parseArgs } from 'node:util';

/** What the command line may change. */
export interface Options {
  /** Measured time of one contender in one round, in seconds. */
  readonly seconds: number;
  readonly rounds: number;
  /** Requests that each connection has in flight: all contenders are measured at each of these depths. */
  readonly depths: readonly number[];
  /** Part of a contender's name; contenders without it are left out, except for the reference. */
  readonly only: string;
  /** File for the figures. */
  readonly json: string | undefined;
  /** Folder for CPU profiles of the servers. */
  readonly profile: string | undefined;
}

export const USAGE = `Usage: npm run bench -- [options]

  --seconds <n>     measured seconds per contender and round (default: 0.4)
  --rounds <n>      rounds (default: 5)
  --in-flight <n>   requests in flight per connection (default: 1,16)
  --only <text>     only contenders with this in their name; raw ws always runs
  --json <file>     write the figures to a file
  --profile <dir>   write CPU profiles of the servers to a folder (slows them down)
  --help            show this
`;

/**
 * Reads the command line; `undefined` if it asks for help.
 * @throws TypeError for an option that does not exist or a number that makes no sense.
 */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '0.4' },
      rounds: { type: 'string', default: '5' },
      'in-flight': { type: 'string', default: '1,16' },
      only: { type: 'string', default: '' },
      json: { type: 'string' },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const { only, json, profile } = values;
  const seconds = Number(values.seconds);
  const rounds = Number(values.rounds);
  const depths = values['in-flight'].split(',').map(Number);
  if (!(seconds > 0 && seconds <= 60)) throw new TypeError('--seconds takes a number up to 60');
  if (!isWhole(rounds)) throw new TypeError('--rounds takes a whole number from 1');
  if (!depths.every(isWhole)) throw new TypeError('--in-flight takes whole numbers from 1, with commas between them');
  return { seconds, rounds, depths, only, json, profile };
}

function isWhole(value: number): boolean {
  return Number.isInteger(value) && value > 0;
}
