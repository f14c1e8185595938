import type { DisconnectReason } from 'nestjs-webwire';
import { expect } from 'vitest';
import { RawClient, type RawClosing } from '../../support/raw-client.js';
import type { TestApp } from '../../support/test-app.js';
import { ContractGateway } from './contract.gateway.js';
import {
  isConcurrent,
  readAnsweredId,
  readRequest,
  timeline,
  type RecordedConnection,
  type Recording,
  type Step,
} from './recording.js';
import { expectSame, Sessions } from './sessions.js';

const PROBE = '7fffffffffffffffff046563686f3f';
const PROBE_ID = 'ffffffffffffffff';
const PROBE_REPLY = 'bfffffffffffffffff3f';

/** Time passes in steps of this length, in milliseconds. */
const PART = 50;

/** The close frame of the server, and the reason that the gateway gets. */
export interface Ending extends RawClosing {
  readonly cause: DisconnectReason;
}

export interface ReplayOptions {
  /** True if replies must come in the recorded order although requests overlap. */
  readonly isInOrder?: boolean;
  /** Advances the time by the recorded time between two steps, in milliseconds. Without it, time is ignored. */
  readonly elapse?: (ms: number) => void;
  /** The expected end of a connection that the reference ended. */
  readonly ending?: Ending;
  /** Called after each step, with its number and the actual keys of the sessions so far. */
  readonly after?: (n: number, keys: readonly string[]) => void | Promise<void>;
}

/** A client that replays a recorded one. */
interface Actor {
  readonly client: RawClient;
  /** True if its requests overlap, so that replies are matched by identifier; otherwise their order is checked. */
  readonly isConcurrent: boolean;
  /** Identifiers of its requests to `slow` that wait at a gate. */
  readonly slowIds: Set<string>;
}

/** Values that all clients of a replay share. */
interface Stage {
  readonly app: TestApp;
  readonly contract: ContractGateway;
  readonly sessions: Sessions;
  /** A client outside of the conversation. */
  readonly onlooker: RawClient;
  readonly ending: Ending | undefined;
}

/** Sends the recorded messages of the clients, and expects exactly the recorded bytes of the reference. */
export async function replay(
  recording: Recording,
  app: TestApp,
  { ending, isInOrder = false, elapse, after = () => undefined }: ReplayOptions = {},
): Promise<void> {
  const onlooker = await RawClient.connect(app.url());
  const stage: Stage = { app, contract: app.get(ContractGateway), sessions: new Sessions(), onlooker, ending };
  const actors = new Map<RecordedConnection, Actor>();
  let now = 0;
  for (const { connection, step } of timeline(recording)) {
    if (elapse) now = await elapseUntil(stage, now, step.t_ms, elapse);
    const actor = actors.get(connection) ?? (await enter(stage, connection, isInOrder));
    actors.set(connection, actor);
    if (step.dir === 'c2s') await act(stage, actor, step);
    else await expectAnswer(stage, actor, step);
    await after(step.n, stage.sessions.keys);
  }
}

/** Sends one more request and expects its reply next: unexpected messages would come first. */
export async function expectNothingMore(client: RawClient): Promise<void> {
  client.send(PROBE);
  expect(await client.messages.take()).toBe(PROBE_REPLY);
  expect(client.messages.rest).toEqual([]);
}

/** Waits until the server has received all messages that clients sent before. */
export async function untilReceived(onlooker: RawClient): Promise<void> {
  onlooker.send(PROBE);
  await onlooker.messages.take((hex) => readAnsweredId(hex) === PROBE_ID);
}

/** Advances the time in small steps, in each of which the onlooker sends a message, so that it has no read timeout. */
async function elapseUntil(
  { onlooker }: Stage,
  now: number,
  until: number,
  elapse: (ms: number) => void,
): Promise<number> {
  for (let left = until - now; left > 0; left -= PART) {
    await untilReceived(onlooker);
    elapse(Math.min(left, PART));
  }
  await untilReceived(onlooker);
  return until;
}

async function enter({ app }: Stage, connection: RecordedConnection, isInOrder: boolean): Promise<Actor> {
  return {
    client: await RawClient.connect(app.url()),
    isConcurrent: !isInOrder && isConcurrent(connection),
    slowIds: new Set(),
  };
}

async function act(stage: Stage, actor: Actor, { hex, op, frames }: Step): Promise<void> {
  if (hex === undefined) {
    await leave(stage, actor);
    return;
  }
  const request = readRequest(hex);
  if (request?.name === 'slow') actor.slowIds.add(request.id);
  actor.client.send(stage.sessions.translate(hex), { isText: op === 'text', frames });
}

/** Ends the TCP connection without a close frame, as the clients of the reference do. */
async function leave({ contract }: Stage, { client }: Actor): Promise<void> {
  await expectNothingMore(client);
  client.terminate();
  expect(await contract.disconnects.take()).toBe('connection-lost');
}

async function expectAnswer(stage: Stage, actor: Actor, { hex }: Step): Promise<void> {
  if (hex === undefined) {
    await expectEnd(stage, actor);
    return;
  }
  const id = readAnsweredId(hex);
  if (id !== undefined && actor.slowIds.delete(id)) {
    await untilReceived(stage.onlooker);
    stage.contract.slowRequests.open(id);
  }
  const isWanted = actor.isConcurrent ? (received: string) => readAnsweredId(received) === id : undefined;
  expectSame(stage.sessions, await actor.client.messages.take(isWanted), hex);
}

async function expectEnd({ contract, ending }: Stage, { client }: Actor): Promise<void> {
  expect(ending).toBeDefined();
  const { cause, ...closing } = ending!;
  expect(await client.closed).toEqual(closing);
  expect(client.messages.rest).toEqual([]);
  expect(await contract.disconnects.take()).toBe(cause);
}
