import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { REFERENCE, selectContenders, type Contender } from './contenders.js';
import { computeFigures } from './figures.js';
import { CONNECTIONS } from './load/connections.js';
import type { RunningContender } from './measurement.js';
import { readOptions, USAGE, type Options } from './options.js';
import { Child } from './process/child.js';
import { findCores } from './process/cores.js';
import { measureRounds } from './rounds.js';
import { formatFigures } from './table.js';

/** How long a server may take to start, in milliseconds. */
const START_TIMEOUT = 20_000;

/** Samples of a profile are this far apart, in microseconds. */
const PROFILE_INTERVAL = 200;

/**
 * Measures request/reply throughput: every contender's server, one at a time, under the same load. Servers and load
 * generator are processes of their own, on cores of their own, so that none is charged for another's work.
 */
async function run(options: Options): Promise<void> {
  const cores = findCores();
  if (!cores) process.stderr.write('Cannot pin processes to cores: figures will be noisier.\n');
  const children: Child[] = [];
  const start = (child: Child) => {
    children.push(child);
    return child;
  };
  try {
    const generator = start(
      new Child({
        label: 'load generator',
        file: new URL('load/generator.js', import.meta.url),
        core: cores?.generator,
      }),
    );
    const contenders = await Promise.all(
      selectContenders(options.only).map(async (contender): Promise<RunningContender> => {
        const server = start(startServer(contender, options, cores?.server));
        return { contender, server, port: await server.ask<number>('port', START_TIMEOUT) };
      }),
    );
    const series = await measureRounds(generator, contenders, options);
    const figures = computeFigures(series, REFERENCE.name);
    const machine = `Node ${process.versions.node}, ${cpus()[0]?.model ?? 'unknown CPU'}, ${availableParallelism()} cores`;
    process.stdout.write(
      `\n${machine}; ${CONNECTIONS} connections, 32-byte echo, ${options.rounds} rounds of ${options.seconds} s\n\n` +
        `${formatFigures(figures, REFERENCE.name)}\n`,
    );
    if (options.json) {
      const report = { machine, connections: CONNECTIONS, isPinned: cores !== undefined, options, figures };
      await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
    }
  } finally {
    await Promise.all(children.map((child) => child.stop()));
  }
}

function startServer({ name, server, gateway }: Contender, { profile }: Options, core: number | undefined): Child {
  const fileName = `${name.replaceAll(/[^a-z]+/g, '-')}.cpuprofile`;
  return new Child({
    label: name,
    file: new URL(`servers/${server}.js`, import.meta.url),
    args: gateway ? [gateway] : [],
    nodeArgs: profile
      ? [
          '--cpu-prof',
          `--cpu-prof-dir=${profile}`,
          `--cpu-prof-name=${fileName}`,
          `--cpu-prof-interval=${PROFILE_INTERVAL}`,
        ]
      : [],
    core,
  });
}

let options: Options | undefined;
try {
  options = readOptions(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n\n`);
  process.exitCode = 2;
}
if (options) await run(options);
else process.stdout.write(USAGE);
