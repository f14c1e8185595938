import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import {
  MemorySessionManager,
  MemoryTransport,
  RequestError,
  WebwireConnection,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireService,
  WebwireSignal,
  type Message,
} from 'nestjs-webwire';
import { jsonCodec, WebwireClient, type ClientOptions, type StorageLike } from 'nestjs-webwire/client';
import { deferred, type Deferred } from '../support/deferred.js';
import { TestApp } from '../support/test-app.js';
import { outcome } from './outcome.js';

@WebwireGateway()
class AuthGateway {
  readonly slow: Deferred[] = [];
  readonly heard: string[] = [];

  @WebwireRequest('echo')
  echo(@WebwireMessage() { payload }: Message) {
    return payload;
  }

  @WebwireRequest('slow')
  async slowly() {
    const gate = deferred();
    this.slow.push(gate);
    await gate.promise;
    return 'done';
  }

  @WebwireRequest('fail')
  fail() {
    throw new RequestError('SAMPLE_CODE', 'sample message');
  }

  @WebwireRequest('crash')
  crash() {
    throw new Error('nobody expected this');
  }

  @WebwireRequest('sign-in')
  async signIn(@MessageBody() user: string, @ConnectedSocket() connection: WebwireConnection) {
    await connection.createSession({ user });
  }

  @WebwireRequest('whoami')
  whoami(@ConnectedSocket() { session }: WebwireConnection) {
    return session?.info?.user ?? null;
  }

  @WebwireRequest('kick')
  async kick(@ConnectedSocket() connection: WebwireConnection) {
    await connection.close();
  }

  @WebwireSignal('shout')
  shout(@MessageBody() text: string, @ConnectedSocket() connection: WebwireConnection) {
    connection.signal('echo', text.toUpperCase());
  }

  @WebwireSignal('log')
  log(@MessageBody() text: string) {
    this.heard.push(text);
  }
}

describe.each(['ws', 'memory'])('a client and a server of our own, over %s', (kind) => {
  let app: TestApp;
  let transport: MemoryTransport;
  const clients: WebwireClient[] = [];

  beforeEach(async () => {
    transport = new MemoryTransport();
    app = await TestApp.start(
      { providers: [AuthGateway] },
      {
        ...(kind === 'memory' && { transport }),
        sessions: { manager: new MemorySessionManager(), maxConnections: 1 },
        messageBufferSize: 1_024,
        shutdownTimeout: 500,
      },
    );
  });
  afterEach(async () => {
    for (const gate of app.get(AuthGateway).slow) gate.resolve();
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await app.close();
  });

  function create(options: ClientOptions = {}): WebwireClient {
    const webSocket = kind === 'memory' ? transport.webSocket : WebSocket;
    const client = new WebwireClient(app.url(), { webSocket, reconnect: { minDelay: 1, maxDelay: 20 }, ...options });
    clients.push(client);
    return client;
  }

  it('talk', async () => {
    const client = create({ codec: jsonCodec });
    const bodies = ['text', Uint8Array.of(1, 2), { a: [1, 2] }, undefined];
    const replies = await Promise.all(bodies.map((body) => client.request('echo', body)));
    expect(replies.map(({ encoding }) => encoding)).toEqual(['utf8', 'binary', 'utf8', 'binary']);
    expect([replies[0]!.body, replies[1]!.body, replies[2]!.body, replies[3]!.body]).toEqual([
      'text',
      Uint8Array.of(1, 2),
      { a: [1, 2] },
      undefined,
    ]);
    expect(await outcome(client.request('fail'))).toBe('SAMPLE_CODE: sample message');
    expect(await outcome(client.request('crash'))).toBe('INTERNAL_SERVER_ERROR: internal server error');
    expect(await outcome(client.request('nope'))).toMatch('NOT_FOUND: ');
    expect(await outcome(client.request('echo', 'x'.repeat(1_024)))).toMatch('BUFFER_OVERFLOW: ');
    expect(client.status).toBe('connected');
  });

  it('exchange signals', async () => {
    const client = create();
    const heard = deferred<string>();
    client.onSignal('echo', (payload) => heard.resolve(payload.text()));
    await client.signal('shout', 'hello');
    expect(await heard.promise).toBe('HELLO');
  });

  it('keep thousands of requests apart', async () => {
    const client = create();
    await client.connect();
    const texts = Array.from({ length: 2_000 }, (_, index) => `text ${index}`);
    const replies = await Promise.all(texts.map((text) => client.request('echo', text)));
    expect(replies.map((reply) => reply.text())).toEqual(texts);
  });

  it('keep a session over lost connections', async () => {
    const client = create();
    const created = vi.fn<(...args: unknown[]) => void>();
    client.on('sessionCreated', created);
    await client.request('sign-in', 'Ada');
    expect(client.session?.info).toEqual({ user: 'Ada' });
    expect(created).toHaveBeenCalledOnce();

    const lost = new Promise((resolve) => client.on('disconnected', resolve));
    await client.request('kick');
    // A request that is sent before the close frame is read would be lost.
    await lost;
    expect((await client.request('whoami')).text()).toBe('Ada');
    expect(client.session?.info).toEqual({ user: 'Ada' });
  });

  it('keep a session over the life of a client', async () => {
    const items = new Map<string, string>();
    const sessionStorage: StorageLike = {
      getItem: (name) => items.get(name) ?? null,
      setItem: (name, value) => void items.set(name, value),
      removeItem: (name) => void items.delete(name),
    };
    const first = create({ sessionStorage });
    await first.request('sign-in', 'Ada');
    const key = first.session!.key;

    // The session has its maximum number of connections.
    const tooMany = create({ sessionStorage });
    await tooMany.connect();
    expect([tooMany.session, items.size]).toEqual([null, 1]);
    expect(await outcome(tooMany.restoreSession(key))).toMatch('MAX_SESSION_CONNECTIONS_REACHED');
    expect(await outcome(tooMany.restoreSession('unknown'))).toMatch('SESSION_NOT_FOUND');

    // The client takes over the place when the other connection has ended.
    await first.close();
    await vi.waitFor(() => expect(tooMany.session).toMatchObject({ key, info: { user: 'Ada' } }));
    await tooMany.close();
    await vi.waitFor(() => expect(app.get(WebwireService).sessionCount).toBe(0));
    const second = create({ sessionStorage });
    await second.connect();
    expect(second.session).toMatchObject({ key, info: { user: 'Ada' } });
    await second.closeSession();
    expect([second.session, items.size, (await second.request('whoami')).text()]).toEqual([null, 0, '']);
    expect(await outcome(second.restoreSession(key))).toMatch('SESSION_NOT_FOUND');
  });

  it('close a session that the client closed without a connection', async () => {
    const client = create();
    await client.request('sign-in', 'Ada');
    const key = client.session!.key;
    const lost = new Promise((resolve) => client.on('disconnected', resolve));
    await client.request('kick');
    await lost;
    await client.closeSession();
    expect(client.session).toBeNull();
    expect((await client.request('whoami')).text()).toBe('');
    expect(app.get(WebwireService).sessionCount).toBe(0);
    expect(await outcome(client.restoreSession(key))).toMatch('SESSION_NOT_FOUND');
  });

  it('end a session from the server', async () => {
    const client = create();
    await client.request('sign-in', 'Ada');
    const closed = deferred<string>();
    client.on('sessionClosed', ({ reason }) => closed.resolve(reason));
    await app.get(WebwireService).closeSession(client.session!.key);
    expect(await closed.promise).toBe('server');
    expect(client.session).toBeNull();
  });

  it('end the connection in order: the server replies to requests in flight', async () => {
    const client = create();
    const reply = client.request('slow');
    const gateway = app.get(AuthGateway);
    await vi.waitFor(() => expect(gateway.slow).toHaveLength(1));
    const closed = client.close();
    gateway.slow[0]!.resolve();
    expect((await reply).text()).toBe('done');
    await closed;
    await vi.waitFor(() => expect(app.get(WebwireService).connectionCount).toBe(0));
  });

  it('end the connection in order: sent signals arrive', async () => {
    const client = create();
    for (let index = 0; index < 100; index++) await client.signal('log', String(index));
    await client.close();
    await vi.waitFor(() => expect(app.get(AuthGateway).heard).toHaveLength(100));
  });

  it('end the connection when the server shuts down, with its reason', async () => {
    const client = create({ reconnect: false });
    await client.connect();
    const told = deferred<unknown>();
    client.on('disconnected', ({ code, reason, willReconnect }) => told.resolve({ code, reason, willReconnect }));
    await app.app.close();
    expect(await told.promise).toEqual({
      code: 1001,
      reason: 'server shutting down after all replies',
      willReconnect: false,
    });
    expect(await outcome(client.connect())).toMatch('DISCONNECTED: could not connect');
  });
});
