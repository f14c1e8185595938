import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { answer } from '../../bench/process/answer.js';
import { Failures } from '../failures.js';
import type { Counts, Ports, Reading, ServerReport } from '../reports.js';
import { Application, type RunContext } from './application.js';
import { read, readResources } from './gauge.js';
import { Logbook } from './logbook.js';
import { observe } from './observer.js';

/** The server process: runs one application after the other, on requests of the load process. */

const SYSTEM_CHOOSES: Ports = { http: 0, own: 0 };

const failures = new Failures();
const counts: Counts = {
  connections: 0,
  disconnections: 0,
  peak: 0,
  reasons: {},
  handlers: 0,
  violations: 0,
  drops: 0,
  refusals: 0,
  shutdowns: 0,
};
const context: RunContext = {
  counts,
  failures,
  logbook: new Logbook(failures),
  directory: await mkdtemp(join(tmpdir(), 'webwire-soak-')),
};

process.on('unhandledRejection', (error) => failures.add(`unhandled rejection: ${describe(error)}`));
process.on('uncaughtException', (error) => failures.add(`uncaught exception: ${describe(error)}`));
process.on('warning', (warning) => failures.add(`Node.js warns: ${describe(warning)}`));
observe(counts, failures);

let before: Reading['resources'] = {};
let application: Application;

answer({
  start: async (): Promise<Ports> => {
    // Node.js makes these streams on first use. Other parts of the start take a moment.
    for (const stream of [process.stdout, process.stderr]) stream.write('');
    await delay(500);
    before = readResources();
    application = await Application.start(SYSTEM_CHOOSES, context);
    return application.ports;
  },
  restart: async (keepsPorts: boolean): Promise<Ports> => {
    const ports = keepsPorts ? application.ports : SYSTEM_CHOOSES;
    await application.close();
    application = await Application.start(ports, context);
    return application.ports;
  },
  rest: () => application.rest(),
  read: (): Promise<Reading> => read(),
  stop: async (): Promise<ServerReport> => {
    await application.close();
    await rm(context.directory, { recursive: true });
    // Closing handles takes a moment.
    await delay(500);
    return { counts, failures: failures.list(), before, after: readResources() };
  },
});

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
