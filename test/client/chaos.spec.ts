import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { MemorySessionManager, WebwireGateway, WebwireRequest, type WebwireConnection } from 'nestjs-webwire';
import { DisconnectedError, TimeoutError, WebwireClient, type StorageLike } from 'nestjs-webwire/client';
import { decodeMessage } from 'nestjs-webwire/protocol';
import { WebSocket } from 'ws';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Random } from '../soak/load/random.js';
import { ChaosProxy } from '../support/chaos-proxy.js';
import { heapInUse } from '../support/heap-in-use.js';
import { TestApp } from '../support/test-app.js';

const CLIENTS = 8;
const REQUESTS_PER_CLIENT = 300;
const IN_FLIGHT = 5;
const MAX_DELAY = 3;

/** Counters by request: how often the handler received it, and how often the client sent it. */
const handled = new Map<string, number>();
const sent = new Map<string, number>();

/** A body consists of an identifier, and dots as filling. */
function idOf(body: string): string {
  return body.replace(/\.+$/, '');
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

@WebwireGateway()
class ChaosGateway {
  @WebwireRequest('sign-in')
  async signIn(@MessageBody() name: string, @ConnectedSocket() connection: WebwireConnection) {
    if (!connection.session) await connection.createSession({ name });
  }

  @WebwireRequest('echo')
  async echo(@MessageBody() body: string, @ConnectedSocket() { session }: WebwireConnection) {
    count(handled, idOf(body));
    // Some replies are immediate, others are delayed.
    if (body.length % 3 !== 0) await new Promise(setImmediate);
    return `${session?.info?.name as string} ${body}`;
  }
}

/** Records the body of each request that is sent, on any connection. */
class NotingWebSocket extends WebSocket {
  override send(data: Uint8Array): void {
    const message = decodeMessage(data);
    if ('name' in message && message.name === 'echo') count(sent, idOf(Buffer.from(message.payload).toString()));
    super.send(data);
  }
}

/** Stores the session for the lifetime of a client, as a browser does. */
function storage(): StorageLike {
  const items = new Map<string, string>();
  return {
    getItem: (name) => items.get(name) ?? null,
    setItem: (name, value) => void items.set(name, value),
    removeItem: (name) => void items.delete(name),
  };
}

let app: TestApp;
let proxy: ChaosProxy;

beforeEach(async () => {
  app = await TestApp.start({ providers: [ChaosGateway] }, { sessions: { manager: new MemorySessionManager() } });
  proxy = await ChaosProxy.start(app.port, new Random(20), MAX_DELAY);
});

afterEach(async () => {
  await proxy.close();
  await app.close();
});

/** A client that sends a few requests at a time, and their results. */
class Person {
  readonly outcomes = { answered: 0, disconnected: 0, late: 0 };
  readonly client: WebwireClient;
  #asked = 0;

  constructor(
    private readonly name: string,
    private readonly random: Random,
  ) {
    this.client = new WebwireClient(`ws://127.0.0.1:${proxy.port}`, {
      webSocket: NotingWebSocket,
      reconnect: { minDelay: 1, maxDelay: 10 },
      sessionStorage: storage(),
      dialTimeout: 2_000,
    });
  }

  async signIn(): Promise<void> {
    while (!this.client.session) await this.client.request('sign-in', this.name).catch(() => undefined);
  }

  async ask(requests: number): Promise<void> {
    const end = this.#asked + requests;
    const one = async () => {
      while (this.#asked < end) await this.#askOnce(`${this.name}/${this.#asked++}`);
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, one));
  }

  /** Sends a request and counts its outcome. */
  async #askOnce(id: string): Promise<void> {
    const body = id.padEnd(this.random.between(12, 4_000), '.');
    // A half-closed connection may never reply, so each request has a timeout.
    const asking = this.client.request('echo', body, { timeout: 3_000 });
    try {
      const reply = await asking;
      if (reply.text() !== `${this.name} ${body}`) throw new Error(`wrong reply to ${id}`);
      this.outcomes.answered++;
    } catch (error) {
      if (error instanceof DisconnectedError) this.outcomes.disconnected++;
      else if (error instanceof TimeoutError) this.outcomes.late++;
      else throw error;
    }
  }
}

it('settles each request once and correctly, and sends none twice, on a bad network', async () => {
  handled.clear();
  sent.clear();
  const random = new Random(7);
  const people = Array.from({ length: CLIENTS }, (_, index) => new Person(`person-${index}`, random.fork()));
  await Promise.all(people.map((person) => person.signIn()));

  await Promise.all(people.map((person) => person.ask(REQUESTS_PER_CLIENT / 2)));
  const inTheMiddle = await heapInUse();
  await Promise.all(people.map((person) => person.ask(REQUESTS_PER_CLIENT / 2)));
  const atTheEnd = await heapInUse();

  const total = { answered: 0, disconnected: 0, late: 0 };
  for (const { outcomes } of people) {
    for (const outcome of ['answered', 'disconnected', 'late'] as const) total[outcome] += outcomes[outcome];
  }
  expect(total.answered + total.disconnected + total.late).toBe(CLIENTS * REQUESTS_PER_CLIENT);
  for (const { client } of people) expect(client.pendingRequests).toBe(0);

  // A request is sent at most once. A proxy that duplicates data makes the server handle it twice.
  expect([...sent.values()].filter((times) => times > 1)).toEqual([]);
  const mirrored = [...handled].filter(([id, times]) => times > (sent.get(id) ?? 0) * 2);
  expect(mirrored).toEqual([]);
  expect(sent.size).toBeGreaterThanOrEqual(total.answered);

  // The network failed often enough, and still many requests succeeded.
  const fates = new Set(proxy.fates.map(({ does }) => does));
  expect([...fates].sort()).toEqual(['cut', 'duplicate', 'half-close', 'refuse']);
  expect(proxy.fates.length).toBeGreaterThan(CLIENTS * 5);
  expect(total.answered).toBeGreaterThan(CLIENTS * REQUESTS_PER_CLIENT * 0.25);
  expect(total.disconnected).toBeGreaterThan(0);

  // A leak of the bodies of the second half would take megabytes.
  expect(atTheEnd - inTheMiddle).toBeLessThan(2_000_000);

  await Promise.all(people.map(({ client }) => client.close()));
  expect(people.map(({ client }) => client.status)).toEqual(people.map(() => 'closed'));
}, 300_000);
