import { Injectable, Module, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import type { IncomingHttpHeaders } from 'node:http';
import {
  MemorySessionManager,
  RequestError,
  UseHandshakeGuards,
  WebwireGateway,
  WebwireModule,
  WebwireRequest,
  WebwireService,
  WebwireStream,
  type WebwireConnection,
  type WebwireModuleOptions,
} from 'nestjs-webwire';
import { createTestClient } from 'nestjs-webwire/testing';
import { expect, expectTypeOf, it, onTestFinished } from 'vitest';

@Injectable()
class Users {
  verify(name: string) {
    return name === 'ada';
  }
  stopped() {}
}

@WebwireGateway()
class AuthGateway {
  constructor(private readonly users: Users) {}

  @WebwireRequest('auth')
  async auth(@MessageBody() name: string, @ConnectedSocket() connection: WebwireConnection) {
    if (!this.users.verify(name)) throw new RequestError('WRONG_CREDENTIALS', 'try again');
    await connection.createSession({ name });
    connection.signal('welcome', name);
  }

  @WebwireStream('letters')
  async *letters(@MessageBody() word: string) {
    try {
      yield* word;
    } finally {
      this.users.stopped();
    }
  }

  @WebwireRequest('whoami')
  whoami(@ConnectedSocket() { session }: WebwireConnection) {
    return session?.info?.name;
  }
}

class TokenGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    const { headers, url } = context.switchToHttp().getRequest<{ headers: IncomingHttpHeaders; url: string }>();
    return headers.authorization === 'Bearer 1' || url === '/admin?token=1';
  }
}

@UseHandshakeGuards(TokenGuard)
@WebwireGateway({ path: '/admin' })
class AdminGateway {
  @WebwireRequest('where')
  where(@ConnectedSocket() { request }: WebwireConnection) {
    return request.url;
  }
}

async function start(providers: unknown[], options: WebwireModuleOptions = {}) {
  const module = await Test.createTestingModule({
    imports: [WebwireModule.forRoot({ sessions: { manager: new MemorySessionManager() }, ...options })],
    providers: [Users, ...(providers as [])],
  }).compile();
  const app = module.createNestApplication({ logger: false });
  onTestFinished(() => app.close());
  return app;
}

it('connects to an application that does not listen', async () => {
  const app = await (await start([AuthGateway])).init();
  const client = createTestClient(app);
  await client.connect();
  const welcome = new Promise((resolve) => client.onSignal('welcome', (payload) => resolve(payload.text())));
  await client.request('auth', 'ada');
  expect(await welcome).toBe('ada');
  expect(client.session?.info).toEqual({ name: 'ada' });
  expect((await client.request('whoami')).text()).toBe('ada');
  expect(app.getHttpServer().listening).toBe(false);
});

it('has streams', async () => {
  const app = await (await start([AuthGateway])).init();
  const client = createTestClient<{ streams: { letters: [word: string, letter: string] } }>(app);
  await client.connect();
  const letters: string[] = [];
  for await (const { body } of client.stream('letters', 'ada')) letters.push(body);
  expect(letters).toEqual(['a', 'd', 'a']);
});

it('stops the handler of a stream when the test leaves the loop', async () => {
  const app = await (await start([AuthGateway])).init();
  const stopped = new Promise<void>((resolve) => {
    app.get(Users).stopped = resolve;
  });
  const client = createTestClient(app);
  await client.connect();
  for await (const item of client.stream('letters', 'a'.repeat(1_000))) {
    expect(item.text()).toBe('a');
    break;
  }
  await stopped;
});

it('connects with the first request', async () => {
  const app = await (await start([AuthGateway])).init();
  const client = createTestClient(app, { reconnect: true });
  await expect(client.request('auth', 'eve')).rejects.toMatchObject({ code: 'WRONG_CREDENTIALS' });
});

it('works with providers that a test replaced', async () => {
  const module = await Test.createTestingModule({
    imports: [WebwireModule.forRoot({ sessions: { manager: new MemorySessionManager() } })],
    providers: [Users, AuthGateway],
  })
    .overrideProvider(Users)
    .useValue({ verify: (name: string) => name === 'eve' })
    .compile();
  const app = await module.createNestApplication({ logger: false }).init();
  onTestFinished(() => app.close());
  const client = createTestClient(app);
  await client.connect();
  await client.request('auth', 'eve');
  expect(client.session?.info).toEqual({ name: 'eve' });
});

it('makes a connection with its own session for each client', async () => {
  const app = await (await start([AuthGateway])).init();
  const [ada, other] = [createTestClient(app), createTestClient(app)];
  await Promise.all([ada.connect(), other.connect()]);
  await ada.request('auth', 'ada');
  expect(app.get(WebwireService).connectionCount).toBe(2);
  expect(other.session).toBeNull();
  await other.restoreSession(ada.session!.key);
  expect((await other.request('whoami')).text()).toBe('ada');
});

it('passes handshake guards as other clients do', async () => {
  const app = await (await start([AdminGateway])).init();
  await expect(createTestClient(app).connect()).rejects.toMatchObject({ code: 'DISCONNECTED' });
  const client = createTestClient(app, { headers: { authorization: 'Bearer 1' } });
  await client.connect();
  expect((await client.request('where')).text()).toBe('/admin');
  const fresh = createTestClient(app, { headers: async () => ({ Authorization: 'Bearer 1' }) });
  await fresh.connect();
  const other = createTestClient(app, { query: 'token=1' });
  await other.connect();
  expect((await other.request('where')).text()).toBe('/admin?token=1');
});

it('ends with the application', async () => {
  const app = await (await start([AuthGateway])).init();
  const client = createTestClient(app);
  await client.connect();
  const ended = new Promise((resolve) => client.on('disconnected', resolve));
  await app.close();
  expect(await ended).toMatchObject({ code: 1001, willReconnect: false });
});

it('finds the server of a gateway among several', async () => {
  const app = await (await start([AuthGateway, AdminGateway])).init();
  expect(() => createTestClient(app)).toThrow('there are several WebWire servers (paths: /, /admin)');
  const client = createTestClient(app, { gateway: AuthGateway });
  await client.connect();
  expect((await client.request('whoami')).bytes).toHaveLength(0);
});

it('throws an error that names what is missing', async () => {
  const app = await start([AuthGateway]);
  expect(() => createTestClient(app)).toThrow('there is no WebWire server yet: call `await app.init()` first');
  await app.init();
  expect(() => createTestClient(app, { gateway: AdminGateway })).toThrow('the application has no gateway AdminGateway');
  await expect(createTestClient(app, { subProtocolName: 'other' }).connect()).rejects.toMatchObject({
    code: 'SUB_PROTOCOL_MISMATCH',
  });
});

it('checks the contract of the application', async () => {
  interface Api {
    requests: { whoami: [void, { name: string }] };
  }
  @Module({ imports: [WebwireModule.forRoot({ sessions: false })], providers: [Users, AuthGateway] })
  class AppModule {}
  const app = (await Test.createTestingModule({ imports: [AppModule] }).compile()).createNestApplication({
    logger: false,
  });
  await app.init();
  onTestFinished(() => app.close());
  const client = createTestClient<Api>(app);
  await client.connect();
  const reply = await client.request('whoami');
  expectTypeOf(reply.body).toEqualTypeOf<{ name: string }>();
  expect(reply.bytes).toHaveLength(0);
});
