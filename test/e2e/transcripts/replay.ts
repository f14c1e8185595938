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

/** Time goes by in parts of so many milliseconds. */
const PART = 50;

/** How the server ends a connection, and what it tells the gateway. */
export interface Ending extends RawClosing {
  readonly cause: DisconnectReason;
}

export interface ReplayOptions {
  /** Whether replies have to come in the recorded order although requests overlap. */
  readonly isInOrder?: boolean;
  /** Lets time go by, in milliseconds: as much between two steps as was recorded. Without it, time does not matter. */
  readonly elapse?: (ms: number) => void;
  /** How the server has to end a connection where the reference ended it. */
  readonly ending?: Ending;
  /** Called after each step, with its number and our keys of the sessions so far. */
  readonly after?: (n: number, keys: readonly string[]) => void | Promise<void>;
}

/** A recorded client, on stage again. */
interface Actor {
  readonly client: RawClient;
  /** Whether its requests overlap, so that replies are told apart by identifier; else their order is exact. */
  readonly isConcurrent: boolean;
  /** Identifiers of its requests to `slow` that are held up. */
  readonly slowIds: Set<string>;
}

/** What the actors have in common. */
interface Stage {
  readonly app: TestApp;
  readonly contract: ContractGateway;
  readonly sessions: Sessions;
  /** Takes no part in the conversation. */
  readonly onlooker: RawClient;
  readonly ending: Ending | undefined;
}

/** Says what the recorded clients said, and expects what the reference answered, byte for byte and nothing else. */
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

/** Sends one more request: what was queued or under way before would come ahead of its reply. */
export async function expectNothingMore(client: RawClient): Promise<void> {
  client.send(PROBE);
  expect(await client.messages.take()).toBe(PROBE_REPLY);
  expect(client.messages.rest).toEqual([]);
}

/** Waits until the server has received what any client had sent before. */
export async function untilReceived(onlooker: RawClient): Promise<void> {
  onlooker.send(PROBE);
  await onlooker.messages.take((hex) => readAnsweredId(hex) === PROBE_ID);
}

/** Time goes by in small parts, in which the onlooker stays awake. */
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

/** As the reference's clients do: the TCP connection ends, without a close frame. */
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
