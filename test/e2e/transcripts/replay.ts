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

const PROBE = '7fffffffffffffffff046563686f3f';
const PROBE_REPLY = 'bfffffffffffffffff3f';

/** A recorded client, on stage again. */
interface Actor {
  readonly client: RawClient;
  readonly contract: ContractGateway;
  /** Whether its requests overlap, so that replies are told apart by identifier; else their order is exact. */
  readonly isConcurrent: boolean;
  /** Identifiers of its requests to `slow` that are held up. */
  readonly slowIds: Set<string>;
}

/**
 * Says what the recorded clients said, and expects what the reference answered, byte for byte and nothing else.
 * @param ending How the server has to end a connection where the reference ended it.
 */
export async function replay(recording: Recording, app: TestApp, ending?: RawClosing): Promise<void> {
  const actors = new Map<RecordedConnection, Actor>();
  for (const { connection, step } of timeline(recording)) {
    const actor = actors.get(connection) ?? (await enter(app, connection));
    actors.set(connection, actor);
    if (step.dir === 'c2s') await act(actor, step);
    else await expectAnswer(actor, step, ending);
  }
}

/** Sends one more request: what was queued or under way before would come ahead of its reply. */
export async function expectNothingMore(client: RawClient): Promise<void> {
  client.send(PROBE);
  expect(await client.messages.take()).toBe(PROBE_REPLY);
  expect(client.messages.rest).toEqual([]);
}

async function enter(app: TestApp, connection: RecordedConnection): Promise<Actor> {
  return {
    client: await RawClient.connect(app.url()),
    contract: app.get(ContractGateway),
    isConcurrent: isConcurrent(connection),
    slowIds: new Set(),
  };
}

async function act(actor: Actor, { hex, op, frames }: Step): Promise<void> {
  if (hex === undefined) {
    await leave(actor);
    return;
  }
  const request = readRequest(hex);
  if (request?.name === 'slow') actor.slowIds.add(request.id);
  actor.client.send(hex, { isText: op === 'text', frames });
}

/** As the reference's clients do: the TCP connection ends, without a close frame. */
async function leave({ client, contract }: Actor): Promise<void> {
  await expectNothingMore(client);
  client.terminate();
  expect(await contract.disconnects.take()).toBe('connection-lost');
}

async function expectAnswer(actor: Actor, { hex }: Step, ending: RawClosing | undefined): Promise<void> {
  if (hex === undefined) {
    await expectEnd(actor, ending);
    return;
  }
  const id = readAnsweredId(hex);
  if (id !== undefined && actor.slowIds.delete(id)) actor.contract.slowRequests.open(id);
  const isWanted = actor.isConcurrent ? (received: string) => readAnsweredId(received) === id : undefined;
  expect(await actor.client.messages.take(isWanted)).toBe(hex);
}

async function expectEnd({ client, contract }: Actor, ending: RawClosing | undefined): Promise<void> {
  expect(await client.closed).toEqual(ending);
  expect(client.messages.rest).toEqual([]);
  expect(await contract.disconnects.take()).toBe('violation');
}
