import { Test } from '@nestjs/testing';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import {
  MemorySessionManager,
  MemoryTransport,
  WebwireGateway,
  WebwireMessage,
  WebwireModule,
  WebwireRequest,
  WebwireService,
  WebwireStream,
  type Message,
  type WebwireConnection,
  type WebwireModuleOptions,
} from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { createTestClient, type TestClientOptions } from 'nestjs-webwire/testing';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';

const HOUR = 60 * 60_000;

@WebwireGateway()
class ClockGateway {
  connection: WebwireConnection | undefined;

  @WebwireRequest('never')
  never(@WebwireMessage() { abortSignal }: Message) {
    return new Promise((_, reject) => abortSignal.addEventListener('abort', reject));
  }

  @WebwireRequest('wait')
  wait(@MessageBody() delay: string) {
    return new Promise((resolve) => setTimeout(resolve, Number(delay), 'done'));
  }

  @WebwireRequest('signIn')
  async signIn(@ConnectedSocket() connection: WebwireConnection) {
    await connection.createSession();
  }

  @WebwireRequest('greet')
  greet(@MessageBody() name: string, @ConnectedSocket() connection: WebwireConnection) {
    this.connection = connection;
    for (let count = 0; count < 3; count++) connection.signal('greeted', `${name} ${count}`);
    return `Hello ${name}!`;
  }

  @WebwireStream('ticks')
  async *ticks() {
    for (let tick = 1; tick <= 3; tick++) {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      yield String(tick);
    }
  }
}

async function start(options: WebwireModuleOptions = {}) {
  const sessions = { manager: new MemorySessionManager({ maxAge: HOUR }) };
  const module = await Test.createTestingModule({
    imports: [WebwireModule.forRoot({ sessions, ...options })],
    providers: [ClockGateway],
  }).compile();
  const app = await module.createNestApplication({ logger: false }).init();
  onTestFinished(() => app.close());
  return app;
}

async function connect(options: TestClientOptions = {}, moduleOptions: WebwireModuleOptions = {}) {
  const app = await start(moduleOptions);
  const client = createTestClient(app, options);
  onTestFinished(() => client.close());
  await client.connect();
  const disconnected = new Promise((resolve) => client.on('disconnected', resolve));
  return { app, client, disconnected, gateway: app.get(ClockGateway) };
}

/** As in docs/testing.md: in short steps, so that messages arrive before the next timer fires. */
async function advance(time: number) {
  for (let passed = 0; passed < time; passed += 100) await vi.advanceTimersByTimeAsync(Math.min(time - passed, 100));
}

type FakeTimers = NonNullable<NonNullable<Parameters<typeof vi.useFakeTimers>[0]>['toFake']>;

const FEW: FakeTimers = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'];
const ALL: FakeTimers = [...FEW, 'setImmediate', 'clearImmediate', 'queueMicrotask', 'hrtime'];

describe.each<[string, FakeTimers | undefined]>([
  ['those that have a delay, and clocks', FEW],
  ['those of vi.useFakeTimers() without options', undefined],
  ['all', ALL],
])('with fake timers, %s,', (_name, toFake) => {
  beforeEach(() => void vi.useFakeTimers(toFake && { toFake }));
  afterEach(() => void vi.useRealTimers());

  it('messages arrive although no timer is advanced', async () => {
    const { client } = await connect();
    const signals: string[] = [];
    client.onSignal('greeted', (payload) => signals.push(payload.text()));
    expect((await client.request('greet', 'Ada')).text()).toBe('Hello Ada!');
    expect(signals).toEqual(['Ada 0', 'Ada 1', 'Ada 2']);
  });

  it('a request times out', async () => {
    const { client } = await connect();
    const failed = client.request('never', 'a', { timeout: 5_000 }).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await failed).toMatchObject({ code: 'TIMEOUT' });
  });

  it('a deadline passes', async () => {
    const { client } = await connect();
    const deadline = new Date(Date.now() + HOUR);
    const failed = client.request('never', 'a', { deadline }).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(HOUR);
    expect(await failed).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  it('a handler waits', async () => {
    const { client } = await connect();
    const reply = client.request('wait', String(HOUR), { timeout: Infinity });
    await vi.advanceTimersByTimeAsync(HOUR);
    expect((await reply).text()).toBe('done');
  });

  it('a stream waits', async () => {
    const { client } = await connect();
    const items: string[] = [];
    const ended = (async () => {
      for await (const item of client.stream('ticks', 'a')) items.push(item.text());
    })();
    await advance(3_000);
    await ended;
    expect(items).toEqual(['1', '2', '3']);
  });

  it('heartbeats and probes keep a silent connection open for a day', async () => {
    const { client } = await connect();
    await vi.advanceTimersByTimeAsync(24 * HOUR);
    expect(client.status).toBe('connected');
    expect((await client.request('greet', 'Ada')).text()).toBe('Hello Ada!');
  });

  it('the server closes a connection that stays silent for readTimeout', async () => {
    const app = await start();
    const transport = new MemoryTransport();
    const [server] = app.get(WebwireService).servers;
    await transport.listen(server!);
    const silent = await transport.connect();
    const closed = vi.fn<(event: { code: number; reason: string }) => void>();
    silent.addEventListener('close', closed);
    await advance(59_000);
    expect(closed).not.toHaveBeenCalled();
    await advance(10_000);
    expect(closed).toHaveBeenCalledWith(expect.objectContaining({ reason: 'read timeout' }));
  });

  it('a client reconnects with growing delays', async () => {
    const { client, disconnected, gateway } = await connect({ reconnect: { minDelay: 1_000, factor: 2, jitter: 0 } });
    await client.request('greet', 'Ada');
    const connected = new Promise((resolve) => client.on('connected', resolve));
    void gateway.connection!.close();
    await disconnected;
    await vi.advanceTimersByTimeAsync(999);
    expect(client.status).toBe('reconnecting');
    await vi.advanceTimersByTimeAsync(1);
    await connected;
    expect((await client.request('greet', 'Ada')).text()).toBe('Hello Ada!');
  });

  it('a client reconnects while a minute passes in short steps', async () => {
    const { client, disconnected, gateway } = await connect({ reconnect: true });
    await client.request('greet', 'Ada');
    void gateway.connection!.close();
    await disconnected;
    await advance(60_000);
    expect(client.status).toBe('connected');
  });

  it('a session expires', async () => {
    const { app, client } = await connect();
    await client.request('signIn');
    const { key } = client.session!;
    await client.close();
    await vi.advanceTimersByTimeAsync(HOUR - 1_000);
    const early = createTestClient(app);
    await early.connect();
    await early.restoreSession(key);
    await early.close();
    await vi.advanceTimersByTimeAsync(HOUR + 1_000);
    const late = createTestClient(app);
    await late.connect();
    await expect(late.restoreSession(key)).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' });
  });

  it('real sockets still work', async () => {
    const app = await start({ sessions: false });
    await app.listen(0);
    const { port } = app.getHttpServer().address() as AddressInfo;
    const client = new WebwireClient(`ws://localhost:${port}`, { webSocket: WebSocket });
    await client.connect();
    const replies = await Promise.all(Array.from({ length: 500 }, () => client.request('greet', 'Ada')));
    expect(replies.at(-1)!.text()).toBe('Hello Ada!');
    await client.close();
  });
});
