import { parseArgs } from 'node:util';
import type { ExternalServer } from './contenders.js';

/** Options of the command line. */
export interface Options {
  /** Parts to run, by name. */
  readonly parts: readonly string[];
  /** Measured time of one contender in one round, in seconds. */
  readonly seconds: number;
  readonly rounds: number;
  /** Connections whose memory is measured. */
  readonly idleConnections: number;
  /** Part of the names of the contenders to measure, in addition to their bases. */
  readonly only: string;
  /** Another checkout, in which the benchmark was built: its WebWire contenders are the bases of those of this one. */
  readonly against: string | undefined;
  /** Other WebWire servers, which are compared with this one. */
  readonly external: readonly ExternalServer[];
  /** Path of the file for the figures. */
  readonly json: string | undefined;
  /** Folder for CPU profiles of the servers. */
  readonly profile: string | undefined;
}

const PARTS = ['requests', 'signals', 'broadcast', 'latency', 'starvation', 'growth', 'streams', 'memory', 'codec'];

/** Parts that can be compared with another checkout. */
const COMPARABLE_PARTS = ['requests', 'signals', 'broadcast'];

export const USAGE = `Usage: npm run bench -- [options]

  --part <names>    parts to run, with commas between them (default: all)
                    ${PARTS.join(', ')}
  --quick           a first impression: few rounds, fewer idle connections
  --seconds <n>     measured seconds per contender and round (default: 0.2)
  --rounds <n>      rounds (default: 9)
  --only <text>     only contenders with this in their name, and what they are measured against
  --against <dir>   compare with another checkout, in which npm run bench -- --help was run
                    (parts: requests, signals, broadcast); servers with
                    options that it does not have are left out
  --external <name>=<command>
                    compare with another WebWire server (part: requests; Linux only; repeatable);
                    the command starts it without a shell, for example env THREADS=1 ./echo {port};
                    it replies at that port of 127.0.0.1 with the payload of each request, and prints
                    a line when it is ready
  --json <file>     write the figures to a file, from which node .bench/chart.js draws
  --profile <dir>   write CPU profiles of the servers to a folder (slows them down)
  --help            show this
`;

/**
 * Reads the command line; `undefined` if it asks for help.
 * @throws TypeError for an option that does not exist or an invalid value.
 */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      part: { type: 'string' },
      quick: { type: 'boolean', default: false },
      seconds: { type: 'string' },
      rounds: { type: 'string' },
      only: { type: 'string', default: '' },
      against: { type: 'string' },
      external: { type: 'string', multiple: true, default: [] },
      json: { type: 'string' },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const { only, against, json, profile, quick } = values;
  const seconds = Number(values.seconds ?? 0.2);
  const rounds = Number(values.rounds ?? (quick ? 3 : 9));
  const parts = (values.part ?? (against === undefined ? PARTS : COMPARABLE_PARTS).join(',')).split(',');
  const unknown = parts.find((part) => !PARTS.includes(part));
  if (unknown !== undefined) throw new TypeError(`there is no part ${JSON.stringify(unknown)}`);
  const incomparable = parts.find((part) => against !== undefined && !COMPARABLE_PARTS.includes(part));
  if (incomparable !== undefined) {
    throw new TypeError(`--against takes the parts ${COMPARABLE_PARTS.join(', ')}, not ${incomparable}`);
  }
  const external = values.external.map(readExternal);
  if (external.length > 0 && (against !== undefined || !parts.includes('requests'))) {
    throw new TypeError('--external takes the part requests, and cannot be combined with --against');
  }
  if (!(seconds > 0 && seconds <= 60)) throw new TypeError('--seconds takes a number up to 60');
  if (!(Number.isInteger(rounds) && rounds > 0)) throw new TypeError('--rounds takes a whole number from 1');
  return { parts, seconds, rounds, idleConnections: quick ? 1_000 : 5_000, only, against, external, json, profile };
}

function readExternal(value: string): ExternalServer {
  const [, name, command] = /^([^=]+)=(.*\{port\}.*)$/.exec(value) ?? [];
  if (name && command) return { name, command };
  throw new TypeError(`--external takes <name>=<command> with {port} in the command, not ${JSON.stringify(value)}`);
}
