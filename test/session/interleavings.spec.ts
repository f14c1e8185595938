import * as fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestApp } from '../support/test-app.js';
import { Chaos, SlowKeyGenerator, UnreliableSessionManager, type Mishap } from './interleavings/chaos.js';
import { commands, mishaps, type Action, type Command } from './interleavings/commands.js';
import { Run } from './interleavings/run.js';
import { SessionGateway } from './interleavings/session-gateway.js';

/** Random interleavings. */
const RUNS = process.env.CI ? 1_500 : 200;

/** Connections that may have one session at once. */
const LIMIT = 2;

/** Number of ticks in which every operation without a mishap ends. */
const LONG = 40;

const chaos = new Chaos();
const manager = new UnreliableSessionManager(chaos);
let app: TestApp;
/** Counts the kinds of answers, and the actual and expected states of sessions. */
let tally: Record<string, number>;

function count(what: string): void {
  tally[what] = (tally[what] ?? 0) + 1;
}

beforeAll(async () => {
  app = await TestApp.start(
    { providers: [SessionGateway, { provide: Chaos, useValue: chaos }] },
    { sessions: { manager, keyGenerator: new SlowKeyGenerator(chaos), maxConnections: LIMIT } },
  );
});
afterAll(() => app.close());

beforeEach(() => {
  tally = {};
});
afterEach(() => {
  app.logger.lines.length = 0;
});

/** Runs the commands of clients, and checks the state when all requests are answered. */
async function play(list: readonly Command[], troubles: readonly Mishap[]): Promise<void> {
  manager.begin();
  chaos.begin(troubles);
  const run = new Run(app, manager);
  try {
    for (const each of list) await run.perform(each);
    await run.untilQuiet();
    for (const answer of run.everybody.flatMap(({ answers }) => answers)) count(answer);
    expectConsistency(run);
    expectFates(run);
    chaos.begin([]);
    await expectRestorable(run);
  } finally {
    for (const client of run.open) client.disconnect();
  }
  expect(run.sessionCount).toBe(0);
}

function expectConsistency(run: Run): void {
  // Each request is answered once, after the messages that it caused.
  const clients = run.everybody.map(({ faults, isWaiting }) => ({ faults, isWaiting }));
  expect(clients).toEqual(clients.map(() => ({ faults: [], isWaiting: false })));
  expect(manager.faults.join()).toBe('');
  expect(run.most).toBeLessThanOrEqual(LIMIT);
  // Clients and server agree on the session of each client.
  const views = run.open.map(({ session }) => session);
  expect(views).toEqual(run.open.map(({ connection }) => connection.session?.key ?? null));
  // The registry holds exactly the connections that have a session.
  expect(run.sessionCount).toBe(new Set(views.filter((key) => key !== null)).size);
  const registered = manager.created.map((key) => idsOf(run.registered(key)));
  expect(registered).toEqual(manager.created.map((key) => idsOf(run.members(key))));
}

function idsOf(connections: readonly { id: string }[]): string[] {
  return connections.map(({ id }) => id).sort();
}

/** A session with connections is not destroyed; otherwise the way in which the last connection lost it decides. */
function expectFates(run: Run): void {
  for (const key of manager.created.filter((created) => !manager.leftovers.has(created))) {
    const fate = run.members(key).length > 0 ? 'kept' : run.history.fateOf(key);
    const actual = manager.destroyed.has(key) ? 'destroyed' : 'kept';
    count(`has to be ${fate}: ${actual}`);
    expect(`${key} is ${actual}`).toBe(`${key} is ${fate === 'either' ? actual : fate}`);
  }
}

/** Sessions that are stored and not destroyed can be restored, up to the limit of connections. */
async function expectRestorable(run: Run): Promise<void> {
  for (const key of manager.created) {
    const isFull = run.members(key).length === LIMIT;
    const found = manager.stored.has(key) ? 'ReplyUtf8' : 'ReplySessionNotFound';
    const client = run.connect();
    client.request('restore', key);
    await run.untilQuiet();
    expect(client.answers).toEqual([`restore: ${isFull ? 'ReplyMaxSessionConnectionsReached' : found}`]);
    client.disconnect();
  }
}

function command(client: number, does: Action['does'], session = 0, gap = LONG): Command {
  const target = { whose: 'any', pick: session } as const;
  const action: Action = does === 'restore' || does === 'close key' ? { does, target } : { does };
  return { client, action, gap };
}

const SMOOTH: Mishap[] = [{ ticks: 2, fails: false }];
const MOMENTS = Array.from({ length: LONG }, (_, tick) => tick);

describe('sessions on several connections', () => {
  it('stay consistent with any operations in any order', { timeout: 300_000 }, async () => {
    let runs = 0;
    const property = fc.asyncProperty(commands, mishaps, async (list, troubles) => {
      await play(list, troubles);
      runs++;
    });
    await fc.assert(property, { numRuns: RUNS });

    expect(runs).toBe(RUNS);
    const often = expect.toSatisfy((times: number) => times >= RUNS / 100);
    expect(tally).toMatchObject({
      'create: ReplyBinary': often,
      'create: SESSION_ACTIVE': often,
      'restore: ReplyUtf8': often,
      'restore: ReplySessionNotFound': often,
      'restore: ReplyInternalError': often,
      'restore: ReplyMaxSessionConnectionsReached': often,
      'close: ReplyBinary': often,
      'logout: ReplyBinary': often,
      'close key: ReplyBinary': often,
      'work: ReplyBinary': often,
      'has to be kept: kept': often,
      'has to be destroyed: destroyed': often,
    });
  });

  it('stay consistent when one is closed while its connection goes over to another', async () => {
    for (const moment of MOMENTS) {
      const going = [command(0, 'create'), command(1, 'create'), command(1, 'restore', 0, moment)];
      await play([...going, command(0, 'close key', 1)], SMOOTH);
    }
    expect(tally['close key: ReplyBinary']).toBe(MOMENTS.length);
  });

  it('are destroyed once, though a client that is lost wanted to close it too', async () => {
    for (const moment of MOMENTS) {
      const both = [command(0, 'create'), command(1, 'restore', 0, moment)];
      const closing = [command(0, 'close key', 0, 0), command(0, 'close', 0, 0), command(0, 'disconnect')];
      await play([...both, ...closing], SMOOTH);
    }
    expect(tally['restore: ReplyUtf8']).toBe(MOMENTS.length);
  });
});
