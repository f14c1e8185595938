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
import { InvalidOptionError } from 'nestjs-webwire/client';
import { createTestClient, type TestClientOptions } from 'nestjs-webwire/testing';
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

it.each<[string, TestClientOptions['query'], string]>([
  ['a string', 'token=1&a=b', '?token=1&a=b'],
  ['a string with a question mark', '?token=1', '?token=1'],
  ['an empty string', '', ''],
  ['an object', { token: 'a b&c=d', page: 2, isNew: false }, '?token=a+b%26c%3Dd&page=2&isNew=false'],
  ['an object with a list', { room: ['a', 'b', 3] }, '?room=a&room=b&room=3'],
  ['an object with absent parameters', { token: undefined, rooms: [], page: 0, name: '' }, '?page=0&name='],
  ['an empty object', {}, ''],
  [
    'a URLSearchParams',
    new URLSearchParams([
      ['room', 'a'],
      ['room', 'ü'],
    ]),
    '?room=a&room=%C3%BC',
  ],
])('sends the query of %s', async (_name, query, search) => {
  const app = await (await start([AdminGateway])).init();
  const client = createTestClient(app, { headers: { authorization: 'Bearer 1' }, query });
  await client.connect();
  expect((await client.request('where')).text()).toBe(`/admin${search}`);
});

it.each<[unknown, string]>([
  [{ token: null }, 'query.token is null, but must be a string, a finite number, or a boolean, or an array of them'],
  [{ page: NaN }, 'query.page is NaN, but must be'],
  [{ page: Infinity }, 'query.page is Infinity, but must be'],
  [{ token: { secret: 'hunter2' } }, 'query.token is of type object, but must be'],
  [{ since: new Date() }, 'query.since is of type object, but must be'],
  [{ token: () => 'hunter2' }, 'query.token is of type function, but must be'],
  [{ id: 1n }, 'query.id is of type bigint, but must be'],
  [
    { room: ['a', undefined] },
    'query.room[1] is of type undefined, but must be a string, a finite number, or a boolean',
  ],
  [{ room: [['a']] }, 'query.room[0] is an array, but must be'],
  [null, 'query is null, but must be a string, an object of parameters, or a URLSearchParams'],
  [7, 'query is 7, but must be'],
  [['a=1'], 'query is an array, but must be'],
  [new Map([['a', '1']]), 'query is of type object, but must be'],
])('throws an error that names the parameter: %o', async (query, message) => {
  const app = await (await start([AdminGateway])).init();
  const make = () => createTestClient(app, { query: query as string });
  expect(make).toThrow(InvalidOptionError);
  expect(make).toThrow(`WebWire option ${message}`);
  expect(make).not.toThrow('hunter2');
});

it.each<[string, unknown]>([
  ['an instance of Headers', new Headers({ authorization: 'hunter2' })],
  ['a Map', new Map([['authorization', 'hunter2']])],
  ['a list', ['hunter2']],
  ['text', 'hunter2'],
  ['null', null],
  ['a number as a value', { page: 5 }],
  ['a number in a list', { page: ['hunter2', 5] }],
])('throws an error for headers that are not an object of strings: %s', async (_kind, headers) => {
  const app = await (await start([AdminGateway])).init();
  const make = () => createTestClient(app, { headers: headers as Record<string, string> });
  expect(make).toThrow(InvalidOptionError);
  expect(make).toThrow(/^WebWire option headers is of type \w+, but must be an object of strings or lists of strings/);
  expect(make).not.toThrow('hunter2');
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
