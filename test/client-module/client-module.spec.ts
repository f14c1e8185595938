import { Injectable, Module, type BeforeApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { MessageBody } from '@nestjs/websockets';
import { MemoryTransport, WebwireGateway, WebwireRequest, WebwireService } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import {
  getWebwireClientToken,
  InjectWebwireClient,
  WebwireClientModule,
  type WebwireClientOptionsFactory,
} from 'nestjs-webwire/client-module';
import { expect, it, onTestFinished, vi } from 'vitest';
import { deferred } from '../support/deferred.js';
import { RecordingLogger, TestApp } from '../support/test-app.js';

interface EchoApi {
  requests: { echo: [string, string] };
}

@WebwireGateway()
class EchoGateway {
  @WebwireRequest('echo')
  echo(@MessageBody() text: string) {
    return text;
  }
}

@Injectable()
class Asker {
  constructor(@InjectWebwireClient('echo') readonly client: WebwireClient<EchoApi>) {}
}

async function startServer(): Promise<TestApp> {
  const server = await TestApp.start({ providers: [EchoGateway] }, { sessions: false });
  onTestFinished(() => server.close());
  return server;
}

async function start(imports: Parameters<typeof Test.createTestingModule>[0]['imports'], providers: unknown[] = []) {
  const logger = new RecordingLogger();
  const module = await Test.createTestingModule({ imports, providers: [Asker, ...(providers as [])] })
    .setLogger(logger)
    .compile();
  const app = await module.createNestApplication({ logger }).init();
  let isOpen = true;
  const close = async () => {
    if (isOpen) await app.close();
    isOpen = false;
  };
  onTestFinished(close);
  return { app, logger, client: app.get(Asker).client, close };
}

it('gives an application a client that is connected by itself', async () => {
  const server = await startServer();
  const { client, logger } = await start([WebwireClientModule.register([{ name: 'echo', url: server.url() }])]);
  await logger.logged('log', 'Client "echo" is connected');
  expect((await client.request('echo', 'hello')).text()).toBe('hello');
});

it('closes the client after shutdown hooks have used it', async () => {
  const server = await startServer();
  const said: string[] = [];
  @Injectable()
  class Polite implements OnModuleDestroy, BeforeApplicationShutdown {
    constructor(@InjectWebwireClient('echo') private readonly client: WebwireClient<EchoApi>) {}
    async onModuleDestroy() {
      said.push((await this.client.request('echo', 'soon')).text());
    }
    async beforeApplicationShutdown() {
      said.push((await this.client.request('echo', 'good-bye')).text());
    }
  }
  const { client, close, logger } = await start(
    [WebwireClientModule.register([{ name: 'echo', url: server.url() }])],
    [Polite],
  );
  await close();
  expect(said).toEqual(['soon', 'good-bye']);
  expect(client.status).toBe('closed');
  expect(logger.at('error')).toEqual([]);
});

it('starts without the server, and connects when the server has started', async () => {
  const transport = new MemoryTransport();
  const { client, logger, close } = await start([
    WebwireClientModule.register([
      {
        name: 'echo',
        url: 'ws://localhost/',
        webSocket: transport.webSocket,
        reconnect: { minDelay: 1 },
      },
    ]),
  ]);
  await logger.logged('warn', 'Client "echo" has no connection, and tries again');
  const reply = client.request('echo', 'at last');
  const server = await TestApp.start({ providers: [EchoGateway] }, { sessions: false, transport });
  onTestFinished(() => server.close());
  expect((await reply).text()).toBe('at last');
  await close();
  expect(client.status).toBe('closed');
});

it('closes an application whose client never had a connection', async () => {
  const transport = new MemoryTransport();
  const { client, close, logger } = await start([
    WebwireClientModule.register([{ name: 'echo', url: 'ws://localhost/', webSocket: transport.webSocket }]),
  ]);
  const failed = client.request('echo', 'nobody').catch((error: Error) => error);
  await close();
  expect(await failed).toMatchObject({ code: 'DISCONNECTED' });
  expect(logger.at('error')).toEqual([]);
});

it('logs the reason why a client cannot connect', async () => {
  const server = await startServer();
  const { logger } = await start([
    WebwireClientModule.register([{ name: 'echo', url: server.url(), subProtocolName: 'other' }]),
  ]);
  expect(await logger.logged('error', 'Client "echo" cannot connect')).toContain('SubProtocolMismatchError');
});

it('logs the reason why a client does not connect again', async () => {
  const server = await startServer();
  const { client, logger, close } = await start([
    WebwireClientModule.register([
      { name: 'echo', url: async () => server.url(), onConnect: (one) => one.request('echo', 'hi') },
    ]),
  ]);
  await client.connect();
  const [connection] = server.get(WebwireService).connections;
  await connection!.close({ code: 4403, reason: 'banned' });
  expect(await logger.logged('warn', 'Client "echo" has no connection, and does not try again')).toContain(
    '4403 "banned"',
  );
  await client.connect();
  await close();
  expect(logger.at('warn')).toHaveLength(1);
});

it('logs an error of a signal handler', async () => {
  const server = await startServer();
  const { client, logger } = await start([WebwireClientModule.register([{ name: 'echo', url: server.url() }])]);
  client.onSignal(() => {
    throw new Error('no such thing');
  });
  await client.connect();
  server.get(WebwireService).broadcast('news', 'x');
  await logger.logged('error', 'Client "echo": no such thing');
});

@Injectable()
class Settings implements WebwireClientOptionsFactory {
  static url = '';
  createWebwireClientOptions() {
    return { url: Settings.url };
  }
}

@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

it.each([
  ['useClass', { useClass: Settings }],
  ['useExisting', { imports: [SettingsModule], useExisting: Settings }],
  [
    'useFactory',
    {
      imports: [SettingsModule],
      inject: [Settings],
      useFactory: async (settings: Settings) => settings.createWebwireClientOptions(),
    },
  ],
])('takes options from DI: %s', async (_name, options) => {
  const server = await startServer();
  Settings.url = server.url();
  const { client } = await start([WebwireClientModule.registerAsync([{ name: 'echo', ...options }])]);
  expect((await client.request('echo', 'made')).text()).toBe('made');
});

it('gives global clients to every module', async () => {
  const server = await startServer();
  @Module({ providers: [Asker], exports: [Asker] })
  class Feature {}
  const { app } = await start([
    WebwireClientModule.register({ clients: [{ name: 'echo', url: server.url() }], isGlobal: true }),
    Feature,
  ]);
  const { client } = app.select(Feature).get(Asker);
  expect((await client.request('echo', 'from afar')).text()).toBe('from afar');
});

it('allows tests to replace a client', async () => {
  const fake = { request: async () => 'fake' };
  const module = await Test.createTestingModule({
    imports: [WebwireClientModule.register([{ name: 'echo', url: 'ws://nowhere.invalid' }])],
    providers: [Asker],
  })
    .overrideProvider(getWebwireClientToken('echo'))
    .useValue(fake)
    .compile();
  expect(module.get(Asker).client).toBe(fake);
});

it.each([
  ['a name that is missing', [{ url: 'ws://localhost' }], 'client 1 of WebwireClientModule needs a name'],
  ['an empty name', [{ name: '', url: 'ws://localhost' }], 'client 1 of WebwireClientModule needs a name'],
  [
    'a name twice',
    [
      { name: 'a', url: 'ws://localhost' },
      { name: 'a', url: 'ws://localhost' },
    ],
    'two clients of WebwireClientModule have the name "a"',
  ],
])('refuses %s', (_name, clients, message) => {
  expect(() => WebwireClientModule.register(clients as { name: string; url: string }[])).toThrow(message);
});

it('refuses a client without options', () => {
  expect(() => WebwireClientModule.registerAsync([{ name: 'echo' }])).toThrow(
    'client "echo" has no options: give useFactory, useClass or useExisting',
  );
});

it.each([
  ['a URL that is none', { url: 'localhost:3000' }, 'url'],
  ['an option that does not exist', { url: 'ws://localhost', timeout: 1 }, 'timeout'],
])('fails at start for %s', async (_name, options, message) => {
  const imports = [WebwireClientModule.register([{ name: 'echo', ...options }])];
  await expect(Test.createTestingModule({ imports, providers: [Asker] }).compile()).rejects.toThrow(message);
});

it('closes a client that still waits for a reply once it has come', async () => {
  const release = deferred();
  const asked = deferred();
  @WebwireGateway()
  class SlowGateway {
    @WebwireRequest('echo')
    async echo(@MessageBody() text: string) {
      asked.resolve();
      await release.promise;
      return text;
    }
  }
  const server = await TestApp.start({ providers: [SlowGateway] }, { sessions: false });
  onTestFinished(() => server.close());
  const { client, close } = await start([WebwireClientModule.register([{ name: 'echo', url: server.url() }])]);
  const reply = client.request('echo', 'late');
  await asked.promise;
  const closed = close();
  release.resolve();
  expect((await reply).text()).toBe('late');
  await closed;
});

it('does not wait for ever for a server that does not answer', async () => {
  const release = deferred();
  const asked = deferred();
  @WebwireGateway()
  class StubbornGateway {
    @WebwireRequest('echo')
    async echo(@MessageBody() text: string) {
      asked.resolve();
      await release.promise;
      return text;
    }
  }
  const server = await TestApp.start({ providers: [StubbornGateway] }, { sessions: false });
  onTestFinished(() => server.close());
  const { client, close, logger } = await start([WebwireClientModule.register([{ name: 'echo', url: server.url() }])]);
  const reply = client.request('echo', 'never', { timeout: Infinity });
  await asked.promise;

  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const closed = close();
  await vi.waitFor(() => expect(client.status).toBe('closing'));
  await vi.advanceTimersByTimeAsync(10_000);
  await closed;
  expect(logger.at('warn')).toContainEqual(expect.stringContaining('Client "echo" still waits for 1 replies'));

  vi.useRealTimers();
  release.resolve();
  expect((await reply).text()).toBe('never');
});
