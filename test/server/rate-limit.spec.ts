import { ConnectedSocket, MessageBody, WebSocketServer } from '@nestjs/websockets';
import {
  MemorySessionManager,
  MemoryTransport,
  Payload,
  WebwireGateway,
  WebwireRequest,
  WebwireSignal,
  WebwireStream,
  type DisconnectReason,
  type RequestError,
  type WebwireConnection,
  type WebwireModuleOptions,
  type WebwireServer,
} from 'nestjs-webwire';
import { encodeMessage, MessageType } from 'nestjs-webwire/protocol';
import { createTestClient, type TestClientOptions } from 'nestjs-webwire/testing';
import * as fc from 'fast-check';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { ContractClient } from '../contract/contract-client.js';
import { openMemorySocket } from '../contract/end.js';
import { deferred } from '../support/deferred.js';
import { Queue } from '../support/queue.js';
import { TestApp } from '../support/test-app.js';
import { describe as show } from '../support/wire-client.js';

const NOTHING = Payload.binary(new Uint8Array());
const TRACE = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`;

@WebwireGateway()
class Gateway {
  @WebSocketServer() server!: WebwireServer;
  readonly signals = new Queue<string>();
  readonly left = new Queue<DisconnectReason>();
  work = deferred();

  handleDisconnect(_connection: WebwireConnection, reason: DisconnectReason) {
    this.left.push(reason);
  }
  @WebwireRequest('echo') echo(@MessageBody() body: string) {
    return body;
  }
  @WebwireRequest('wait') async wait() {
    await this.work.promise;
    return 'waited';
  }
  @WebwireRequest('sign in') async signIn(@ConnectedSocket() connection: WebwireConnection) {
    await connection.createSession();
    return connection.session!.key;
  }
  @WebwireSignal('note') note(@MessageBody() body: string) {
    this.signals.push(body);
  }
  @WebwireStream('count') async *count(@MessageBody() body: string) {
    for (let n = 1; n <= Number(body); n++) yield String(n);
  }
}

@WebwireGateway({ path: '/free', rateLimit: false })
class Free {
  @WebwireRequest('echo') echo(@MessageBody() body: string) {
    return body;
  }
}

let now: number;

beforeEach(() => {
  now = 1_000.25;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
});
afterEach(() => {
  vi.restoreAllMocks();
});

function openClient(app: TestApp, options: TestClientOptions) {
  const client = createTestClient(app.app, options);
  onTestFinished(() => client.close());
  return client;
}

async function start(options: WebwireModuleOptions) {
  const transport = new MemoryTransport();
  const sessions = { manager: new MemorySessionManager() };
  const app = await TestApp.start({ providers: [Gateway, Free] }, { transport, sessions, ...options });
  onTestFinished(() => app.close());
  const connect = async (...extensions: string[]) => {
    const client = await ContractClient.connect((listener) => openMemorySocket(transport, listener));
    onTestFinished(() => client.terminate());
    await client.nextBytes();
    if (extensions.length > 0) await client.extend(...extensions);
    return client;
  };
  return { app, gateway: app.get(Gateway), connect, client: await connect() };
}

/** Sends the request as often as that, and returns the replies. */
async function askOften(client: ContractClient, times: number): Promise<string[]> {
  for (let n = 0; n < times; n++) client.request('echo', String(n));
  const replies: string[] = [];
  for (let n = 0; n < times; n++) replies.push(await client.nextInShort());
  return replies;
}

const counted = (count: number, from = 0) => Array.from({ length: count }, (_, n) => `utf8 ${from + n}`);

describe('a client may send', () => {
  it('as many requests as the limit at once, and is told how long to wait', async () => {
    const { client } = await start({ rateLimit: { limit: 4, window: 1_000 } });
    const refusal = 'error TOO_MANY_REQUESTS: more than 4 messages in 1000 ms: wait 250 ms';
    expect(await askOften(client, 6)).toEqual([...counted(4), refusal, refusal]);
    now += 250;
    expect(await askOften(client, 2)).toEqual([...counted(1), refusal]);
    now += 100;
    expect(await client.ask('echo', 'x')).toBe('error TOO_MANY_REQUESTS: more than 4 messages in 1000 ms: wait 150 ms');
    now += 10_000;
    expect(await askOften(client, 5)).toEqual([...counted(4), refusal]);
  });

  it('as many as burst at once, and the limit in the long run', async () => {
    const { client } = await start({ rateLimit: { limit: 2, window: 1_000, burst: 5 } });
    const [first, second] = [await askOften(client, 6), await askOften(client, 1)];
    expect(first.slice(0, 5)).toEqual(counted(5));
    expect(first[5]).toMatch(/wait 500 ms$/);
    expect(second[0]).toMatch(/^error TOO_MANY_REQUESTS/);
    now += 1_000;
    expect((await askOften(client, 3)).map((reply) => reply.slice(0, 5))).toEqual(['utf8 ', 'utf8 ', 'error']);
  });

  it('fewer at once than the limit, with a small burst', async () => {
    const { client } = await start({ rateLimit: { limit: 10, window: 1_000, burst: 1 } });
    for (let n = 0; n < 10; n++) {
      expect((await askOften(client, 2)).map((reply) => reply.slice(0, 5))).toEqual(['utf8 ', 'error']);
      now += 100;
    }
  });

  it('as much again after a wait that does not come out even', async () => {
    const { client } = await start({ rateLimit: { limit: 3, window: 1_000 } });
    for (let n = 0; n < 20; n++) {
      expect((await askOften(client, 3)).map((reply) => reply.slice(0, 5))).toEqual(['utf8 ', 'utf8 ', 'utf8 ']);
      now += 1_000;
    }
  });

  it('never more than burst and the time since allow, whatever the times', async () => {
    const step = fc.record({ pause: fc.double({ min: 0, max: 400, noNaN: true }), requests: fc.nat(4) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const { client } = await start({ rateLimit: { limit: 7, window: 500, burst: 3 } });
        let tokens = 3;
        for (const { pause, requests } of steps) {
          now += pause;
          tokens = Math.min(3, tokens + (pause * 7) / 500);
          const replies = await askOften(client, requests);
          const answered = replies.filter((reply) => reply.startsWith('utf8')).length;
          // A model with tokens rounds in other places.
          expect(answered).toBeGreaterThanOrEqual(Math.min(requests, Math.floor(tokens - 1e-6)));
          expect(answered).toBeLessThanOrEqual(Math.floor(tokens + 1e-2));
          tokens -= answered;
        }
      }),
      { numRuns: 10 },
    );
  });

  it('any number of messages without a limit', async () => {
    const { client } = await start({
      gateways: { Gateway: { rateLimit: false } },
      rateLimit: { limit: 1, window: 1_000 },
    });
    expect(await askOften(client, 500)).toEqual(counted(500));
  });
});

describe('the limit counts', () => {
  it('signals, which are dropped beyond it', async () => {
    const { client, gateway } = await start({ rateLimit: { limit: 2, window: 1_000 } });
    for (const body of ['a', 'b', 'c', 'd']) client.signal('note', body);
    expect(await client.ask('echo', 'x')).toMatch(/^error TOO_MANY_REQUESTS/);
    expect(gateway.signals.rest).toEqual(['a', 'b']);
    now += 1_000;
    client.signal('note', 'e');
    expect(await client.ask('echo', 'x')).toBe('utf8 x');
    expect(gateway.signals.rest).toEqual(['a', 'b', 'e']);
  });

  it('requests that open streams', async () => {
    const { connect } = await start({ rateLimit: { limit: 1, window: 1_000 } });
    const client = await connect('stream');
    client.request('count', '1');
    client.request('count', '1');
    const messages = [await client.nextInShort(), await client.nextInShort(), await client.nextInShort()];
    expect(messages.filter((message) => message.startsWith('error TOO_MANY_REQUESTS'))).toHaveLength(1);
    expect(messages.filter((message) => message.startsWith('signal wwr:item:'))).toHaveLength(1);
  });

  it('requests that nobody handles', async () => {
    const { client } = await start({ rateLimit: { limit: 1, window: 1_000 } });
    expect(await client.ask('nobody', 'x')).toMatch(/^error NOT_FOUND/);
    expect(await client.ask('nobody', 'x')).toMatch(/^error TOO_MANY_REQUESTS/);
  });

  it('session requests', async () => {
    const { client } = await start({ rateLimit: { limit: 2, window: 1_000 } });
    expect(show(await client.restore('unknown'))).toBe(`type ${MessageType.ReplySessionNotFound}`);
    const close = encodeMessage({ type: MessageType.RequestCloseSession, id: Buffer.alloc(8, 7) });
    client.sendBytes(close);
    expect(await client.nextInShort()).toBe('binary');
    client.sendBytes(close);
    expect(await client.next()).toMatchObject({ code: 'TOO_MANY_REQUESTS', id: Uint8Array.from(Buffer.alloc(8, 7)) });
    expect(show(await client.restore('unknown'))).toMatch(/^error TOO_MANY_REQUESTS/);
  });

  it('messages as they arrive, also those that wait for a handler', async () => {
    const { client, gateway } = await start({ rateLimit: { limit: 2, window: 1_000 }, concurrencyLimit: 1 });
    for (let n = 0; n < 3; n++) client.request('wait', 'x');
    expect(await client.nextInShort()).toMatch(/^error TOO_MANY_REQUESTS/);
    gateway.work.resolve();
    expect([await client.nextInShort(), await client.nextInShort()]).toEqual(['utf8 waited', 'utf8 waited']);
  });

  it('the messages of each connection apart', async () => {
    const { client, connect } = await start({ rateLimit: { limit: 1, window: 1_000 } });
    const other = await connect();
    expect((await askOften(client, 20)).filter((reply) => reply.startsWith('utf8'))).toHaveLength(1);
    expect(await other.ask('echo', 'x')).toBe('utf8 x');
  });
});

describe('the limit does not count', () => {
  it('heartbeats', async () => {
    const { client } = await start({ rateLimit: { limit: 1, window: 60_000 } });
    for (let n = 0; n < 2_000; n++) client.sendBytes(encodeMessage({ type: MessageType.Heartbeat }));
    expect(await client.ask('echo', 'x')).toBe('utf8 x');
  });

  it('the items of a stream, and one grant for each of them', async () => {
    const { connect } = await start({ rateLimit: { limit: 2, window: 60_000 } });
    const client = await connect('stream');
    for (let stream = 1; stream <= 2; stream++) {
      const id = Buffer.from(client.request('count', '1000')).toString('hex');
      const end = 1_000;
      for (let n = 1; n <= end; n++) {
        expect(await client.nextInShort()).toBe(`signal wwr:item:${id} utf8 ${n}`);
        // The last grants come when the stream has ended.
        client.signal(`wwr:more:${id}`, '1');
      }
      expect(await client.nextInShort()).toBe('binary');
    }
    expect(await client.ask('echo', 'x')).toMatch(/^error TOO_MANY_REQUESTS/);
  });

  it('cancellations of requests', async () => {
    const { connect, gateway } = await start({ rateLimit: { limit: 100, window: 60_000 } });
    const client = await connect('cancel');
    for (let n = 0; n < 100; n++) {
      const id = Buffer.from(client.request('wait', 'x')).toString('hex');
      client.signal(`wwr:cancel:${id}`, NOTHING);
      expect(await client.nextInShort()).toMatch(/^error CANCELED/);
    }
    gateway.work.resolve();
    expect(await client.ask('echo', 'x')).toMatch(/^error TOO_MANY_REQUESTS/);
  });

  it('the question for extensions, and probes', async () => {
    const { connect } = await start({ rateLimit: { limit: 1, window: 60_000 } });
    const client = await connect('ping');
    for (let n = 0; n < 100; n++) {
      expect(await client.ask('wwr:ping', NOTHING)).toBe('binary');
      now += 100;
    }
    expect(await client.ask('echo', 'x')).toBe('utf8 x');
  });

  it('trace contexts, and cancellations that come too late, of a client that keeps to it', async () => {
    const { connect } = await start({ rateLimit: { limit: 10, window: 1_000 } });
    const client = await connect('trace', 'cancel');
    for (let n = 1; n <= 1_000; n++) {
      const id = Buffer.alloc(8);
      id.writeUInt32LE(n);
      client.signal(`wwr:trace:${id.toString('hex')}`, TRACE);
      expect(Buffer.from(client.request('echo', 'x'))).toEqual(id);
      expect(await client.nextInShort()).toBe('utf8 x');
      client.signal(`wwr:cancel:${id.toString('hex')}`, NOTHING);
      now += 100;
    }
  });

  it('requests while the server shuts down, which get ReplyShutdown', async () => {
    const { client, gateway } = await start({ rateLimit: { limit: 1, window: 60_000 } });
    client.request('wait', 'x');
    const draining = once(gateway.server, 'drain');
    await nextTurn();
    void gateway.server.shutdown();
    await draining;
    for (let n = 0; n < 3; n++) expect(await client.ask('echo', 'x')).toBe('shutdown');
    gateway.work.resolve();
  });
});

describe('a client that goes on regardless is closed', () => {
  it('with 1008, which is logged once and reported to the gateway', async () => {
    const { app, client, gateway } = await start({ rateLimit: { limit: 2, window: 1_000 } });
    for (let n = 0; n < 1_000; n++) client.request('echo', String(n));
    expect(await client.closed).toEqual({ code: 1008, reason: 'TOO_MANY_REQUESTS' });
    expect(await gateway.left.take()).toBe('rate-limit');
    const [line, ...others] = app.logger.at('warn');
    expect(line).toMatch(
      /^Connection [\da-f-]{36} \(undefined\) sends more messages than rateLimit allows although they/,
    );
    expect(others).toEqual([]);
  });

  it('after twice the burst and 32 more refused messages at once', async () => {
    const { client, gateway } = await start({ rateLimit: { limit: 100, window: 1_000, burst: 5 } });
    const limited: string[] = [];
    gateway.server.on('limit', ({ name, kind }) => void limited.push(`${kind} ${name}`));
    for (let n = 0; n < 5 + 2 * 5 + 32; n++) client.signal('note', 'x');
    await nextTurn();
    await nextTurn();
    expect(limited).toEqual(Array.from({ length: 42 }, () => 'signal note'));
    expect(await client.ask('echo', 'x')).toMatch(/^error TOO_MANY_REQUESTS/);
    expect(await client.closed).toMatchObject({ code: 1008 });
    expect(limited.at(-1)).toBe('request echo');
  });

  it('when it sends more than three times the limit for long', async () => {
    const { client, gateway } = await start({ rateLimit: { limit: 100, window: 1_000 } });
    let sent = 0;
    for (; gateway.left.rest.length === 0; sent++) {
      client.signal('note', 'x');
      now += 1_000 / 350;
      await nextTurn();
    }
    expect(sent).toBeLessThan(5_000);
  });

  it('but not when it sends three times the limit for long', async () => {
    const { client, gateway } = await start({ rateLimit: { limit: 100, window: 1_000 } });
    for (let n = 0; n < 5_000; n++) {
      client.signal('note', 'x');
      await nextTurn();
      now += 1_000 / 300;
    }
    now += 1_000;
    expect(await client.ask('echo', 'x')).toBe('utf8 x');
    expect(gateway.signals.rest.length).toBeGreaterThan(1_600);
    expect(gateway.signals.rest.length).toBeLessThan(1_800);
  });

  it('when its running handlers have answered, and is not read meanwhile', async () => {
    const { client, gateway } = await start({ rateLimit: { limit: 2, window: 1_000 } });
    client.request('wait', 'x');
    for (let n = 0; n < 100; n++) client.signal('note', 'x');
    await nextTurn();
    await nextTurn();
    expect(gateway.signals.rest).toHaveLength(1);
    gateway.work.resolve();
    expect(await client.nextInShort()).toBe('utf8 waited');
    expect(await client.closed).toMatchObject({ code: 1008 });
  });

  it.each<[string, (n: number) => [string, Payload | string, boolean?]]>([
    ['trace contexts', () => ['wwr:trace', TRACE]],
    ['cancellations of nothing', (n) => [`wwr:cancel:${String(n).padStart(16, '0')}`, NOTHING]],
    ['grants for nothing', (n) => [`wwr:more:${String(n).padStart(16, '0')}`, '64']],
    ['grants of nothing', () => ['wwr:more:0100000000000000', '0']],
    ['reserved names that do not exist', (n) => [`wwr:new:${n}`, 'x']],
    ['probes', () => ['wwr:ping', NOTHING, true]],
    ['questions', () => ['wwr:extensions', '{"extensions":[]}', true]],
    ['reserved requests that do not exist', () => ['wwr:new', 'x', true]],
  ])('if it floods the server with %s', async (_what, message) => {
    const { connect, gateway } = await start({ rateLimit: { limit: 2, window: 1_000 } });
    const client = await connect('stream', 'cancel', 'ping', 'trace');
    for (let n = 0; n < 200; n++) {
      const [name, body, isRequest] = message(n);
      if (isRequest) client.request(name, body);
      else client.signal(name, body);
    }
    expect(await client.closed).toEqual({ code: 1008, reason: 'TOO_MANY_REQUESTS' });
    expect(await gateway.left.take()).toBe('rate-limit');
  });

  it('if it floods the server with grants for one item', async () => {
    const { connect } = await start({ rateLimit: { limit: 2, window: 1_000 } });
    const client = await connect('stream');
    const id = Buffer.from(client.request('count', '1')).toString('hex');
    for (let n = 0; n < 200; n++) client.signal(`wwr:more:${id}`, '1');
    expect(await client.closed).toMatchObject({ code: 1008 });
  });

  it('if it floods the server with messages that only servers send', async () => {
    const { client } = await start({ rateLimit: { limit: 2, window: 1_000 } });
    for (let n = 0; n < 200; n++) client.sendBytes(encodeMessage({ type: MessageType.SessionClosed }));
    expect(await client.closed).toMatchObject({ code: 1008 });
  });

  it('if it floods the server with reserved signals without having asked for extensions', async () => {
    const { client } = await start({ rateLimit: { limit: 2, window: 1_000 } });
    for (let n = 0; n < 200; n++) client.signal('wwr:trace', TRACE);
    expect(await client.closed).toMatchObject({ code: 1008 });
  });
});

describe('a limited client', () => {
  it('is reported with each message that is refused', async () => {
    const { client, gateway } = await start({ rateLimit: { limit: 1, window: 1_000 } });
    const events: unknown[] = [];
    gateway.server.on('limit', ({ connection, ...event }) => {
      expect([...gateway.server.connections]).toEqual([connection]);
      events.push(event);
    });
    expect(await client.ask('echo', 'x')).toBe('utf8 x');
    client.signal('note', 'x');
    expect(await client.ask('echo', 'x')).toMatch(/^error TOO_MANY_REQUESTS/);
    await client.restore('unknown');
    expect(events).toEqual([
      { kind: 'signal', name: 'note' },
      { kind: 'request', name: 'echo' },
      { kind: 'session', name: '' },
    ]);
  });

  it('gets a RequestError with the code TOO_MANY_REQUESTS from a WebwireClient, and can go on', async () => {
    const { app } = await start({ rateLimit: { limit: 2, window: 1_000 } });
    const client = openClient(app, { gateway: Gateway });
    await client.connect();
    const attempts = [client.request('echo', 'a'), client.request('echo', 'b'), client.request('echo', 'c')];
    expect((await Promise.allSettled(attempts)).map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
    ]);
    await expect(attempts[2]).rejects.toMatchObject({ name: 'RequestError', code: 'TOO_MANY_REQUESTS' });
    now += 1_000;
    expect((await client.request('echo', 'd')).text()).toBe('d');
  });

  it('can restore its session on a new connection', async () => {
    const { app } = await start({ rateLimit: { limit: 1, window: 1_000 } });
    const client = openClient(app, { gateway: Gateway, reconnect: { minDelay: 1, maxDelay: 1 } });
    await client.connect();
    const key = (await client.request('sign in')).text();
    const restored = new Promise((resolve) => {
      client.on('connected', resolve);
    });
    for (const connection of app.get(Gateway).server.connections) await connection.close();
    expect(await restored).toMatchObject({ isReconnect: true, isSessionRestored: true });
    expect(client.session?.key).toBe(key);
  });

  it('keeps its window of messages, so that it is never stuck', async () => {
    const { app } = await start({ rateLimit: { limit: 1, window: 1_000, burst: 10 }, messageBufferSize: 32_768 });
    const client = openClient(app, { gateway: Gateway });
    await client.connect();
    // Together, they are larger than two windows.
    const body = 'x'.repeat(32_000);
    const outcomes = new Set<string>();
    for (let n = 0; n < 80; n++) {
      outcomes.add(
        await client.request('echo', body).then(
          () => 'reply',
          ({ code }: RequestError) => code,
        ),
      );
      now += 200;
    }
    expect([...outcomes]).toEqual(['reply', 'TOO_MANY_REQUESTS']);
    now += 1_000;
    expect((await client.request('echo', 'x')).text()).toBe('x');
  });

  it('is not read while it does not read its refusals', async () => {
    const { client, gateway } = await start({
      rateLimit: { limit: 1, window: 60_000, burst: 10_000 },
      maxBufferedAmount: 1_000,
    });
    let limited = 0;
    gateway.server.on('limit', () => void limited++);
    for (let n = 0; n < 10_000; n++) client.signal('note', 'x');
    expect(await client.ask('echo', 'x')).toMatch(/^error/);
    client.pause();
    limited = 0;
    // A refusal has more than 50 bytes.
    for (let n = 0; n < 1_000; n++) client.request('echo', 'x');
    for (let n = 0; n < 10; n++) await nextTurn();
    expect(limited).toBeLessThan(30);
    expect(client.bufferedAmount).toBeGreaterThan(0);
    client.resume();
    for (let n = 0; n < 1_000; n++) expect(await client.nextInShort()).toMatch(/^error TOO_MANY_REQUESTS/);
    expect(limited).toBe(1_000);
  });
});

describe('rateLimit', () => {
  it('can be set for one gateway, and switched off for another', async () => {
    const { app } = await start({ rateLimit: { limit: 1, window: 1_000 } });
    const [limited, free] = [Gateway, Free].map((gateway) => openClient(app, { gateway }));
    await Promise.all([limited!.connect(), free!.connect()]);
    await limited!.request('echo', 'x');
    await expect(limited!.request('echo', 'x')).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' });
    for (let n = 0; n < 10; n++) expect((await free!.request('echo', 'x')).text()).toBe('x');
    expect(app.get(Gateway).server.options.rateLimit).toEqual({ limit: 1, window: 1_000, burst: 1 });
  });
});
