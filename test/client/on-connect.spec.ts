import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { WebSocket } from 'ws';
import {
  MemorySessionManager,
  MemoryTransport,
  RequestError,
  WebwireConnection,
  WebwireGateway,
  WebwireRequest,
  WebwireService,
  WebwireSignal,
  WebwireStream,
} from 'nestjs-webwire';
import { WebwireClient, type DisconnectedError, type WebwireClientOptions } from 'nestjs-webwire/client';
import { defineContract } from 'nestjs-webwire/contract';
import { deferred } from '../support/deferred.js';
import { TestApp } from '../support/test-app.js';
import { ACCEPT_CONF, FakeServer, nextTurn, replyUtf8 } from './fake-server.js';
import { outcome } from './outcome.js';

const FAST = { minDelay: 1, maxDelay: 5 };

@WebwireGateway()
class MembersGateway {
  /** The messages in the order of their arrival, with the member who sent them. */
  readonly log: string[] = [];
  isOpen = true;

  @WebwireRequest('sign-in') async signIn(
    @MessageBody() name: string,
    @ConnectedSocket() connection: WebwireConnection,
  ) {
    await Promise.resolve();
    if (!this.isOpen) throw new RequestError('CLOSED', 'come back later');
    connection.info.name = name;
    this.#add('sign-in', connection);
  }

  @WebwireRequest('session') async session(@ConnectedSocket() connection: WebwireConnection) {
    await connection.createSession({ name: 'Ada' });
    this.#add('session', connection);
  }

  @WebwireSignal('join') join(@MessageBody() room: string, @ConnectedSocket() connection: WebwireConnection) {
    this.#add(`join ${room}`, connection);
  }

  @WebwireStream('rooms') async *rooms(@ConnectedSocket() connection: WebwireConnection) {
    this.#add('rooms', connection);
    yield 'a';
    yield 'b';
  }

  @WebwireRequest('post') post(@MessageBody() text: string, @ConnectedSocket() connection: WebwireConnection) {
    this.#add(`post ${text}`, connection);
  }

  @WebwireRequest('restart') async restart(@ConnectedSocket() connection: WebwireConnection) {
    await connection.close();
  }

  #add(text: string, { info, session }: WebwireConnection) {
    const name = (info.name ?? session?.info?.name ?? 'nobody') as string;
    this.log.push(`${text} by ${name}`);
  }
}

describe.each(['ws', 'memory'])('onConnect over %s', (kind) => {
  let app: TestApp;
  let transport: MemoryTransport;
  let gateway: MembersGateway;
  const clients: WebwireClient[] = [];

  beforeEach(async () => {
    transport = new MemoryTransport();
    app = await TestApp.start(
      { providers: [MembersGateway] },
      { sessions: { manager: new MemorySessionManager() }, ...(kind === 'memory' && { transport }) },
    );
    gateway = app.get(MembersGateway);
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await app.close();
  });

  function create(options: WebwireClientOptions): WebwireClient {
    const webSocket = kind === 'memory' ? transport.webSocket : WebSocket;
    const client = new WebwireClient(app.url(), { webSocket, reconnect: FAST, ...options });
    clients.push(client);
    return client;
  }

  async function restart(client: WebwireClient): Promise<void> {
    const lost = new Promise((resolve) => client.on('disconnected', resolve));
    await client.request('restart');
    await lost;
  }

  it('sends its requests before those that wait, on each connection', async () => {
    const client = create({
      async onConnect(connecting) {
        await connecting.request('sign-in', 'Ada');
        await connecting.signal('join', 'lounge');
      },
    });
    await Promise.all([client.request('post', '1'), client.request('post', '2')]);
    await restart(client);
    await Promise.all([client.request('post', '3'), client.signal('join', 'kitchen')]);
    await client.request('post', '4');
    expect(gateway.log).toEqual([
      'sign-in by Ada',
      'join lounge by Ada',
      'post 1 by Ada',
      'post 2 by Ada',
      'sign-in by Ada',
      'join lounge by Ada',
      'post 3 by Ada',
      'join kitchen by Ada',
      'post 4 by Ada',
    ]);
  });

  it('lets requests wait that are made while it runs', async () => {
    const entered = deferred();
    const gate = deferred();
    const client = create({
      async onConnect(connecting) {
        entered.resolve();
        await gate.promise;
        await connecting.request('sign-in', 'Ada');
      },
    });
    const connecting = client.connect();
    await entered.promise;
    const posted = client.request('post', 'meanwhile');
    expect(client.status).toBe('connecting');
    gate.resolve();
    await Promise.all([connecting, posted]);
    expect(gateway.log).toEqual(['sign-in by Ada', 'post meanwhile by Ada']);
  });

  it('may open streams, and create and close sessions', async () => {
    const items: string[] = [];
    const sessions: unknown[] = [];
    const client = create({
      async onConnect(connecting) {
        if (!connecting.session) await connecting.request('session');
        for await (const item of connecting.stream('rooms')) items.push(item.text());
        sessions.push(connecting.session?.info);
        await connecting.closeSession();
        sessions.push(connecting.session);
        await connecting.request('session');
      },
    });
    await client.request('post', 'hello');
    expect(gateway.log).toEqual(['session by Ada', 'rooms by Ada', 'session by Ada', 'post hello by Ada']);
    expect([items, sessions, client.session?.info]).toEqual([['a', 'b'], [{ name: 'Ada' }, null], { name: 'Ada' }]);
  });

  it('runs after the session is restored', async () => {
    const seen: unknown[] = [];
    const client = create({ onConnect: ({ session }) => void seen.push(session?.info ?? null) });
    await client.request('session');
    await restart(client);
    await client.request('post', 'hello');
    expect(seen).toEqual([null, { name: 'Ada' }]);
    expect(gateway.log.at(-1)).toBe('post hello by Ada');
  });

  it('tells a session that it creates from one that is restored', async () => {
    let isFresh = false;
    const restored: boolean[] = [];
    const client = create({
      async onConnect(connecting) {
        if (isFresh) await connecting.closeSession();
        if (!connecting.session) await connecting.request('session');
      },
    });
    client.on('connected', ({ isSessionRestored }) => restored.push(isSessionRestored));
    for (isFresh of [false, false, true, false]) {
      if (client.status === 'connected') await restart(client);
      await client.connect();
    }
    expect(restored).toEqual([false, true, false, true]);
    const other = create({ onConnect: (connecting) => connecting.restoreSession(client.session!.key) });
    const connected = new Promise((resolve) => other.on('connected', resolve));
    await other.connect();
    expect(await connected).toEqual({ isReconnect: false, isSessionRestored: true });
  });

  it('that fails makes the attempt fail, and is called again', async () => {
    gateway.isOpen = false;
    const failures: Error[] = [];
    const client = create({ onConnect: (connecting) => connecting.request('sign-in', 'Ada') });
    client.on('reconnecting', ({ error }) => {
      failures.push(error);
      if (failures.length === 2) gateway.isOpen = true;
    });
    await client.request('post', 'waits');
    expect(gateway.log).toEqual(['sign-in by Ada', 'post waits by Ada']);
    expect(failures).toMatchObject(
      Array.from({ length: 2 }, () => ({
        code: 'DISCONNECTED',
        message: expect.stringMatching(/^could not connect to ws:.*: the option onConnect failed: "come back later"$/),
        cause: { code: 'CLOSED' },
      })),
    );
    await vi.waitFor(() => expect(app.get(WebwireService).connectionCount).toBe(1));
  });

  it('that fails rejects connect(), and `retryOn` can end the attempts', async () => {
    gateway.isOpen = false;
    const client = create({
      onConnect: (connecting) => connecting.request('sign-in', 'Ada'),
      retryOn: ({ cause }) => (cause as RequestError).code !== 'CLOSED',
    });
    const waiting = client.request('post', 'waits').catch((error: DisconnectedError) => error);
    await expect(client.connect({ retry: true })).rejects.toMatchObject({ cause: { code: 'CLOSED' } });
    expect(await waiting).toMatchObject({ code: 'DISCONNECTED', cause: { code: 'CLOSED' } });
    expect([client.status, gateway.log]).toEqual(['disconnected', []]);
  });

  it('is given a client that is the client', async () => {
    let given: WebwireClient | undefined;
    const client = create({
      async onConnect(connecting) {
        given = connecting;
        // It is connected for the function.
        await connecting.connect();
      },
    });
    await client.connect();
    expect(given).toBeInstanceOf(WebwireClient);
    expect([given!.status, given!.url]).toEqual(['connected', client.url]);
    // Later it sends as the client does.
    await given!.request('post', 'later');
    await restart(client);
    await given!.request('post', 'on the next connection');
    expect(gateway.log).toEqual(['post later by nobody', 'post on the next connection by nobody']);
  });
});

describe('onConnect', () => {
  let server: FakeServer;

  beforeEach(() => {
    server = new FakeServer();
  });

  it('is given a client with the types of the contract', async () => {
    const contract = defineContract({ requests: { 'sign-in': { body: z.string() } } });
    const { webSocket } = server;
    const client = new WebwireClient('ws://localhost', {
      contract,
      webSocket,
      // @ts-expect-error -- the contract has no such request
      onConnect: (connecting) => connecting.request('sign-out').catch(() => connecting.request('sign-in', 'Ada')),
    });
    const typed = new WebwireClient<{ requests: { 'sign-in': [string, void] } }>('ws://localhost', {
      webSocket,
      // @ts-expect-error -- the body is a string
      onConnect: (connecting) => connecting.request('sign-in', 5),
    });
    await Promise.all([client.close(), typed.close()]);
  });

  it('takes at most `dialTimeout`', async () => {
    const client = server.client({ dialTimeout: 20, onConnect: () => new Promise(() => {}) });
    const failing = outcome(client.connect());
    const socket = await server.accept();
    expect(await failing).toMatch(
      /^DISCONNECTED: could not connect to .* \(after \d+ ms\): the option onConnect failed: "timeout after 20 ms: onConnect has not finished/,
    );
    expect(await socket.closed.take()).toBe('1000');
  });

  it('that uses another reference to the client sends at once what it sends before its first await', async () => {
    const client: WebwireClient = server.client({ onConnect: () => client.request('sign-in') });
    const waiting = client.request('post');
    const socket = await server.accept();
    expect(Buffer.from(await socket.received.take(), 'hex').toString()).toContain('sign-in');
    expect(socket.received.rest).toEqual([]);
    socket.say(replyUtf8(1));
    expect(Buffer.from(await socket.received.take(), 'hex').toString()).toContain('post');
    socket.say(replyUtf8(2));
    await waiting;
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken'))],
    ['rejects with no error', () => Promise.reject('broken')],
    ['rejects with an error that cannot be read', () => Promise.reject(Object.create(null) as Error)],
  ])('that %s makes the attempt fail', async (_how, onConnect) => {
    const client = server.client({ onConnect });
    const failing = outcome(client.connect());
    await server.accept();
    expect(await failing).toMatch(
      /^DISCONNECTED: .*: the option onConnect failed: "(broken|an error that cannot be read)"$/,
    );
    expect(client.status).toBe('disconnected');
  });

  it('is given up when the connection is lost: its requests reject, and the next connection calls it again', async () => {
    const results: unknown[] = [];
    const client = server.client({
      reconnect: FAST,
      async onConnect(connecting) {
        const result = await outcome(connecting.request('sign-in'));
        results.push(result instanceof Object ? 'signed in' : result);
      },
    });
    const connecting = client.connect({ retry: true });
    const first = await server.accept();
    await first.received.take();
    first.end(1001);
    const second = await server.accept();
    await second.received.take();
    second.say(replyUtf8(2));
    await connecting;
    expect(results).toEqual([expect.stringMatching(/^DISCONNECTED: lost the connection/), 'signed in']);
  });

  it('is not waited for by a client that closes or disconnects', async () => {
    for (const end of ['close', 'disconnect'] as const) {
      const client = server.client({ onConnect: () => new Promise(() => {}) });
      const connecting = outcome(client.connect());
      await server.accept();
      await client[end]();
      expect(await connecting).toMatch('DISCONNECTED');
      expect(client.status).toBe(end === 'close' ? 'closed' : 'disconnected');
    }
  });

  it('may close or disconnect the client', async () => {
    for (const end of ['close', 'disconnect'] as const) {
      const client = server.client({ onConnect: (connecting) => connecting[end]() });
      const connecting = outcome(client.connect());
      await server.accept(ACCEPT_CONF);
      expect(await connecting).toMatch('DISCONNECTED');
      expect(client.status).toBe(end === 'close' ? 'closed' : 'disconnected');
    }
  });

  it('delays the event `connected`, and signals arrive meanwhile', async () => {
    const gate = deferred();
    const events: string[] = [];
    const client = server.client({ onConnect: () => gate.promise });
    client.on('connected', () => events.push('connected'));
    client.onSignal('news', () => events.push('news'));
    const connecting = client.connect();
    const socket = await server.accept();
    socket.say(`4004${Buffer.from('news').toString('hex')}`);
    await nextTurn();
    gate.resolve();
    await connecting;
    expect(events).toEqual(['news', 'connected']);
  });
});
