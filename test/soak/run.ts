import { setTimeout as delay } from 'node:timers/promises';
import { Child } from '../bench/process/child.js';
import { Failures } from './failures.js';
import { populate } from './load/population.js';
import { Pulse } from './load/pulse.js';
import { Random } from './load/random.js';
import { Restarts } from './load/restarts.js';
import { Sessions } from './load/sessions.js';
import { createTally, type World } from './load/world.js';
import { readOptions, USAGE, type Options } from './options.js';
import { compareReadings, compareResources } from './remains.js';
import type { Ports, Reading, ServerReport } from './reports.js';
import { summarize } from './summary.js';

/** Longest time for an answer of the server process, in milliseconds. */
const SERVER_TIMEOUT = 60_000;

/** Interval of the restarts of the application, in milliseconds. */
const RESTART_INTERVAL = 5_000;

/** Fraction of the time for warming up. */
const WARM_UP = 0.25;

/** Fraction of the time in which the last application is not restarted, so that its leaks become visible. */
const LAST_APPLICATION = 0.2;

/**
 * Runs many clients on a server that is restarted meanwhile, and then checks that nothing is left of them.
 *
 * Memory is read twice while nobody is connected: at the start from an application that has just begun, at the end from
 * one that has served a good part of the load. So leaks of one application become visible, and also leaks that outlive
 * applications. A warm-up with all actions of the load, restarts included, comes first, so that code is compiled and caches
 * are filled.
 */
async function soak({ seconds, connections, seed }: Options): Promise<string[]> {
  const failures = new Failures();
  const random = new Random(seed);
  const pulse = new Pulse();
  const server = new Child({
    label: 'the server',
    file: new URL('server/main.js', import.meta.url),
    nodeArgs: ['--expose-gc', '--enable-source-maps'],
    core: undefined,
  });
  const ask = <Value>(question: string, argument?: unknown) => server.ask<Value>(question, SERVER_TIMEOUT, argument);
  try {
    const world: World = {
      ports: await ask<Ports>('start'),
      isEnding: false,
      tally: createTally(),
      failures,
      restarts: new Restarts(),
      pulse,
      sessions: new Sessions(),
    };
    const restart = async () => {
      world.restarts.begin();
      world.ports = await ask<Ports>('restart', random.chance(0.5));
      world.restarts.end();
    };
    /** Runs the load. No client is connected at the end. */
    const load = async (milliseconds: number, quiet: number) => {
      const end = Date.now() + milliseconds;
      world.isEnding = false;
      const everybody = populate(world, random.fork(), connections);
      const interval = Math.min(RESTART_INTERVAL, (milliseconds - quiet) / 2);
      while (Date.now() + interval <= end - quiet) {
        await delay(interval);
        await restart();
      }
      await delay(Math.max(end - Date.now(), 0));
      world.isEnding = true;
      await everybody;
      await ask('rest');
    };

    const begun = Date.now();
    await load(seconds * 1000 * WARM_UP, 0);
    await restart();
    const start = await ask<Reading>('read');
    await load(seconds * 1000 * (1 - WARM_UP), seconds * 1000 * LAST_APPLICATION);
    const end = await ask<Reading>('read');
    const report = await ask<ServerReport>('stop');
    process.stdout.write(summarize({ world, report, start, end, duration: Date.now() - begun, seed }));
    return [
      ...failures.list(),
      ...report.failures,
      ...compareReadings(start, end),
      ...compareResources('without an application', report.before, report.after),
    ];
  } catch (error) {
    return [...failures.list(), `the run ended early: ${(error as Error).message}`];
  } finally {
    pulse.stop();
    await server.stop();
  }
}

let options: Options | undefined;
try {
  options = readOptions(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n\n`);
  process.exitCode = 2;
}
if (options) {
  const { seconds, connections, seed } = options;
  process.stdout.write(`soak: ${seconds} s, ${connections} clients at a time, seed ${seed}\n`);
  const failures = await soak(options);
  if (failures.length === 0) {
    process.stdout.write('soak passed\n');
  } else {
    process.stdout.write(`\n${failures.map((failure) => `  ✗ ${failure}\n`).join('')}`);
    process.stdout.write(
      `soak failed: npm run soak -- --seconds ${seconds} --connections ${connections} --seed ${seed}\n`,
    );
    // After a failed run, remaining clients would keep the process alive.
    process.exit(1);
  }
} else {
  process.stdout.write(USAGE);
}
