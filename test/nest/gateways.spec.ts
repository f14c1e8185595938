import { Controller, Get, Injectable, Module, type INestApplication, type Type } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import {
  jsonCodec,
  Payload,
  WebwireAdapter,
  WebwireConnection,
  WebwireGateway,
  WebwireModule,
  WebwireRequest,
  WebwireServer,
  WebwireSignal,
  WsTransport,
  type DisconnectReason,
  type PayloadCodec,
  type WebwireGatewayOverrides,
  type WebwireModuleOptions,
  type WebwireOptionsFactory,
} from 'nestjs-webwire';
import { once } from 'node:events';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer as WsServer } from 'ws';
import { ca, tls } from '../support/certificate.js';
import { deferred } from '../support/deferred.js';
import { refusal } from '../support/refusal.js';
import { RecordingLogger, TestApp } from '../support/test-app.js';
import { WireClient, describe as show } from '../support/wire-client.js';

const opened: { close(): Promise<unknown> }[] = [];

function track<T extends { close(): Promise<unknown> }>(closable: T): T {
  opened.push(closable);
  return closable;
}

async function start(...args: Parameters<typeof TestApp.start>) {
  return track(await TestApp.start(...args));
}

afterEach(async () => {
  for (const closable of opened.splice(0).toReversed()) await closable.close();
});

@WebwireGateway()
class Greeter {
  @WebSocketServer() server!: WebwireServer;
  @WebwireRequest('greet') greet(_connection: WebwireConnection, name: string) {
    return `Hello ${name}`;
  }
}

@WebwireGateway()
class Counter {
  @WebSocketServer() server!: WebwireServer;
  @WebwireRequest('count') count() {
    return this.server.connections.size;
  }
}

@Controller()
class Routes {
  @Get('hello') hello() {
    return 'over HTTP';
  }
}

describe.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])('on %s', (_platform, adapter) => {
  it('WebWire lives beside HTTP routes', async () => {
    @Module({ imports: [WebwireModule.forRoot()], controllers: [Routes], providers: [Greeter] })
    class AppModule {}
    const app: INestApplication = await NestFactory.create(AppModule, adapter() as never, { logger: false });
    track(app);
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    const client = await WireClient.connect(`ws://127.0.0.1:${port}/`);
    expect(await client.ask('greet', 'Ada')).toBe('utf8 Hello Ada');
    expect(await (await fetch(`http://127.0.0.1:${port}/hello`)).text()).toBe('over HTTP');
    expect(await refusal(`ws://127.0.0.1:${port}/hello`)).toBe('404 no WebWire server here');
    await app.close();
    expect(await client.closed).toEqual({
      code: 1001,
      reason: 'server shutting down after all replies',
    });
  });
});

describe('gateways', () => {
  it('of one port and path share a server and its namespace', async () => {
    const app = await start({ providers: [Greeter, Counter] });
    const client = await app.connect();
    expect(await client.ask('greet', 'Ada')).toBe('utf8 Hello Ada');
    expect(await client.ask('count')).toBe('utf8 1');
    const { server } = app.get(Counter);
    expect(server).toBeInstanceOf(WebwireServer);
    expect((server.address as AddressInfo).port).toBe(app.port);
  });

  it('of different paths have servers of their own on one port', async () => {
    @WebwireGateway({ path: '/admin', subProtocolName: 'admin', codec: jsonCodec })
    class Admin {
      @WebSocketServer() server!: WebwireServer;
      @WebwireRequest('greet') greet() {
        return 'at your service';
      }
    }
    const app = await start({ providers: [Greeter, Admin, Counter] });
    expect(await (await app.connect('/admin')).ask('greet', '1')).toBe('utf8 "at your service"');
    expect(await (await app.connect('/admin?query=1')).ask('greet', '1')).toBe('utf8 "at your service"');
    expect(await (await app.connect('/')).ask('greet', 'Ada')).toBe('utf8 Hello Ada');
    expect(app.get(Admin).server.options).toMatchObject({ path: '/admin', subProtocolName: 'admin' });
    expect(app.get(Admin).server.connections.size).toBe(2);
    expect(app.get(Counter).server.connections.size).toBe(1);
    expect(await refusal(app.url('/admin/'))).toBe('404 no WebWire server here');
  });

  it('may use other ports, and share them', async () => {
    @WebwireGateway()
    class First {
      @WebSocketServer() server!: WebwireServer;
      @WebwireRequest('first') first() {
        return 1;
      }
    }
    @WebwireGateway(65_000, { path: '/other' })
    class Other {
      @WebSocketServer() server!: WebwireServer;
      @WebwireRequest('other') other() {
        return 3;
      }
    }
    const app = await start(
      { providers: [First, Other, Greeter] },
      { gateways: { First: { port: 0 }, Other: { port: 0 } } },
    );
    const first = app.get(First).server.address as AddressInfo;
    const other = app.get(Other).server.address as AddressInfo;
    expect(new Set([app.port, first.port, other.port]).size).toBe(3);
    expect(await (await app.connect('/', first.port)).ask('first')).toBe('utf8 1');
    expect(await (await app.connect('/other', other.port)).ask('other')).toBe('utf8 3');
    expect(await (await app.connect()).ask('first')).toContain('NOT_FOUND');
    expect((await fetch(`http://127.0.0.1:${first.port}/`)).status).toBe(426);
    expect(await refusal(app.url('/nowhere', first.port))).toBe('404 no WebWire server here');
  });

  it('share their own port, with different paths', async () => {
    const reserved = createServer().listen(0);
    await once(reserved, 'listening');
    const { port } = reserved.address() as AddressInfo;
    await new Promise((resolve) => reserved.close(resolve));
    @WebwireGateway({ path: '/b' })
    class Other {
      @WebwireRequest('greet') greet() {
        return 'b';
      }
    }
    const app = await start({ providers: [Greeter, Other] }, { gateways: { Greeter: { port }, Other: { port } } });
    expect(await (await app.connect('/', port)).ask('greet', 'a')).toBe('utf8 Hello a');
    expect(await (await app.connect('/b', port)).ask('greet')).toBe('utf8 b');
    await app.close();
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow('fetch failed');
  });

  it('may be plain ones, moved over by swapping the adapter', async () => {
    @WebSocketGateway({ cors: true, pingInterval: 5 })
    class Plain {
      @WebSocketServer() server!: WebwireServer;
      @SubscribeMessage('greet') greet(client: WebwireConnection, data: string) {
        client.signal('greeted', data);
        return { event: 'greet', data };
      }
    }
    const app = track(
      await TestApp.startWithout({ providers: [Plain] }, (nest) => nest.useWebSocketAdapter(new WebwireAdapter(nest))),
    );
    const client = await app.connect();
    expect(await client.ask('greet', 'Ada')).toBe('signal greeted utf8 Ada');
    expect(show(await client.next())).toBe('utf8 {"event":"greet","data":"Ada"}');
    expect(app.get(Plain).server.connections.size).toBe(1);
  });
});

describe('the adapter', () => {
  it('takes its options from WebwireModule, or its own', async () => {
    const module = WebwireModule.forRoot({ subProtocolName: 'of the module' });
    const metadata = { imports: [module], providers: [Counter] };
    const first = track(
      await TestApp.startWithout(metadata, (nest) => nest.useWebSocketAdapter(new WebwireAdapter(nest))),
    );
    expect(first.get(Counter).server.options.subProtocolName).toBe('of the module');
    const second = track(
      await TestApp.startWithout(metadata, (nest) =>
        nest.useWebSocketAdapter(new WebwireAdapter(nest, { subProtocolName: 'own' })),
      ),
    );
    expect(second.get(Counter).server.options.subProtocolName).toBe('own');
  });

  it('of the user is left in place by the module', async () => {
    @WebSocketGateway()
    class Plain {
      @SubscribeMessage('x') x() {
        return { event: 'x', data: 'from ws' };
      }
    }
    const app = await start({ providers: [Plain] }, {}, (nest) => nest.useWebSocketAdapter(new WsAdapter(nest)));
    const socket = new WebSocket(app.url());
    await once(socket, 'open');
    socket.send('{"event":"x"}');
    const [data] = (await once(socket, 'message')) as [Buffer];
    expect(data.toString()).toBe('{"event":"x","data":"from ws"}');
    socket.terminate();
  });

  it('leaves upgrades elsewhere to others on the same HTTP server', async () => {
    const others = new WsServer({ noServer: true });
    const app = await start({ providers: [Greeter] });
    const httpServer = app.app.getHttpServer() as Server;
    httpServer.on('upgrade', (request, socket, head) => {
      if (request.url === '/others') others.handleUpgrade(request, socket, head, (own) => own.close(4000, 'others'));
    });
    const socket = new WebSocket(app.url('/others'));
    const [code] = (await once(socket, 'close')) as [number];
    expect(code).toBe(4000);
    expect(await (await app.connect()).ask('greet', 'Ada')).toBe('utf8 Hello Ada');
    await app.close();
    expect(httpServer.listenerCount('upgrade')).toBe(1);
  });

  it('accepts no sub-protocol of WebSocket that it was not given', async () => {
    const app = await start({ providers: [Greeter] });
    const socket = new WebSocket(app.url(), ['x']);
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toBe('Server sent no subprotocol');
  });

  it('takes a request target in absolute form', async () => {
    const app = await start({ providers: [Greeter] });
    const request = httpRequest({
      port: app.port,
      host: '127.0.0.1',
      path: 'http://example.org/?x',
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      },
    }).end();
    const [response, socket] = (await once(request, 'upgrade')) as [{ statusCode: number }, Socket];
    expect(response.statusCode).toBe(101);
    socket.destroy();
  });

  it('answers requests that are no upgrades as HTTP requires', async () => {
    const app = await start({ providers: [Greeter] });
    const request = httpRequest(`http://127.0.0.1:${app.port}/`, {
      headers: { Connection: 'Upgrade', Upgrade: 'websocket' },
    }).end();
    const [response] = (await once(request, 'response')) as [{ statusCode: number; resume(): void }];
    response.resume();
    expect(response.statusCode).toBe(400);
  });
});

describe('hooks', () => {
  it('get the server, the connection and the reason', async () => {
    const reason = deferred<DisconnectReason>();
    const calls: unknown[] = [];
    @WebwireGateway()
    class Gateway {
      @WebSocketServer() server!: WebwireServer;
      afterInit(server: WebwireServer) {
        calls.push(['afterInit', server === this.server, server.address]);
      }
      handleConnection(connection: WebwireConnection, request: { url: string }) {
        calls.push(['handleConnection', connection instanceof WebwireConnection, request.url]);
      }
      handleDisconnect(_connection: WebwireConnection, why: DisconnectReason) {
        reason.resolve(why);
      }
    }
    const app = await start({ providers: [Gateway] });
    const client = await app.connect();
    await client.close();
    expect(await reason.promise).toBe('client-close');
    expect(calls).toEqual([
      ['afterInit', true, null],
      ['handleConnection', true, '/'],
    ]);
  });

  it.each(['throws', 'rejects'] as const)('whose failure %s are logged, and have no other effect', async (how) => {
    const fail = (what: string): Promise<void> => {
      const error = new Error(`${what} broke`);
      if (how === 'throws') throw error;
      return Promise.reject(error);
    };
    const others: string[] = [];
    @WebwireGateway()
    class Broken {
      handleConnection() {
        return fail('handleConnection');
      }
      handleDisconnect() {
        return fail('handleDisconnect');
      }
    }
    @WebwireGateway()
    class Sound {
      handleConnection() {
        others.push('connected');
      }
      handleDisconnect() {
        others.push('disconnected');
      }
      @WebwireRequest('x') x() {
        return 'x';
      }
    }
    const app = await start({ providers: [Broken, Sound] });
    const client = await app.connect();
    expect(await client.ask('x')).toBe('utf8 x');
    await client.close();
    for (const hook of ['handleConnection', 'handleDisconnect']) {
      expect(await app.logger.logged('error', `Broken.${hook} failed`)).toContain(`${hook} broke`);
    }
    expect(others).toEqual(['connected', 'disconnected']);
    expect(await (await app.connect()).ask('x')).toBe('utf8 x');
  });
});

describe('options', () => {
  const rot13 = (text: string) =>
    text.replace(/[a-z]/g, (letter) => String.fromCharCode(((letter.charCodeAt(0) - 97 + 13) % 26) + 97));
  const rot13Codec: PayloadCodec = {
    decode: (payload) => rot13(payload.text()),
    encode: (value) => Payload.utf8(rot13(String(value))),
  };

  @WebwireGateway()
  class Coded {
    @WebSocketServer() server!: WebwireServer;
    @WebwireRequest('module') module(_connection: WebwireConnection, body: string) {
      return body === 'hello' ? 'decoded' : body;
    }
    @WebwireRequest('handler', { codec: jsonCodec }) handler(_connection: WebwireConnection, body: unknown) {
      return { body };
    }
    @WebwireRequest({ name: 'payload' }) payload() {
      return Payload.utf8('as it is');
    }
    @WebwireRequest('nothing') nothing() {}
  }

  it('give a codec to the module, a gateway or a handler', async () => {
    const app = await start({ providers: [Coded] }, { codec: rot13Codec });
    const client = await app.connect();
    expect(await client.ask('module', 'uryyb')).toBe('utf8 qrpbqrq');
    expect(await client.ask('handler', '[1]')).toBe('utf8 {"body":[1]}');
    expect(await client.ask('payload')).toBe('utf8 as it is');
    expect(await client.ask('nothing')).toBe('binary');
    const other = await start({ providers: [Coded] }, { gateways: { Coded: { codec: rot13Codec } } });
    expect(await (await other.connect()).ask('module', 'uryyb')).toBe('utf8 qrpbqrq');
  });

  it('are announced: read timeout, buffer size and sub-protocol', async () => {
    const app = await start(
      { providers: [Counter] },
      { readTimeout: 5_000, messageBufferSize: 4_096, subProtocolName: 'chat-v1' },
    );
    const client = track(await WireClient.connect(app.url(), { keepAcceptConf: true }));
    expect((await client.nextBytes()).toString('hex')).toBe(
      `1702008813000000100000${Buffer.from('chat-v1').toString('hex')}`,
    );
    expect(app.get(Counter).server.options).toEqual({
      readTimeout: 5_000,
      messageBufferSize: 4_096,
      subProtocolName: 'chat-v1',
      concurrencyLimit: Infinity,
      maxConnections: Infinity,
      maxStreams: 64,
      extensions: true,
      maxBufferedAmount: 1_048_576,
      origins: undefined,
      handshakeTimeout: 10_000,
      path: '/',
      shutdownTimeout: 30_000,
      webSocketProtocols: [],
      trustProxy: false,
      maxConnectionsPerAddress: Infinity,
      rateLimit: undefined,
    });
    expect(Object.isFrozen(app.get(Counter).server.options)).toBe(true);
  });

  it('of a small buffer bound messages both ways', async () => {
    @WebwireGateway({ messageBufferSize: 32 })
    class Small {
      @WebwireRequest('x') x(_connection: WebwireConnection, body: string) {
        return body.repeat(2);
      }
    }
    const app = await start({ providers: [Small] });
    const client = await app.connect();
    expect(await client.ask('x', 'y'.repeat(11))).toBe(`utf8 ${'y'.repeat(22)}`);
    expect(await client.ask('x', 'y'.repeat(12))).toBe('error REPLY_TOO_LARGE: the rep');
    expect(await client.ask('x', 'y'.repeat(21))).toBe('error REPLY_TOO_LARGE: the rep');
    const line = await app.logger.logged('error', 'The reply to request "x" was not sent');
    expect(line).toContain(
      "a message of 33 bytes does not fit the message buffer of 32 bytes; send less, or raise the server's option messageBufferSize",
    );
    client.send('x', 'y'.repeat(22));
    expect(await client.closed).toMatchObject({ code: 1009 });
  });

  it('come from DI: useFactory, useClass and useExisting', async () => {
    @Injectable()
    class Config {
      readonly name = 'injected';
    }
    @Injectable()
    class Factory implements WebwireOptionsFactory {
      createWebwireOptions(): WebwireModuleOptions {
        return { subProtocolName: 'made by a class' };
      }
    }
    @Module({ providers: [Config, Factory], exports: [Config, Factory] })
    class FactoryModule {}
    const variants: [Parameters<typeof WebwireModule.forRootAsync>[0], string][] = [
      [
        {
          imports: [FactoryModule],
          inject: [Config],
          useFactory: async (config: Config) => Promise.resolve({ subProtocolName: config.name }),
        },
        'injected',
      ],
      [{ useClass: Factory }, 'made by a class'],
      [{ imports: [FactoryModule], useExisting: Factory }, 'made by a class'],
    ];
    for (const [options, expected] of variants) {
      const imports = [WebwireModule.forRootAsync(options)];
      const app = track(await TestApp.startWithout({ imports, providers: [Counter] }));
      expect(app.get(Counter).server.options.subProtocolName).toBe(expected);
    }
  });

  it.each([
    ['Express', () => new ExpressAdapter()],
    ['Fastify', () => new FastifyAdapter()],
  ])('of single gateways come from ConfigService, on %s', async (_platform, adapter) => {
    const load = () => ({
      webwire: { limit: '3', origins: 'https://a.example,https://b.example', secure: { port: 0, tls } },
    });
    const module = WebwireModule.forRootAsync({
      imports: [ConfigModule.forRoot({ ignoreEnvFile: true, load: [load] })],
      inject: [ConfigService],
      useFactory: (config: ConfigService) => ({
        maxConnections: 7,
        gateways: {
          Counter: {
            concurrencyLimit: Number(config.getOrThrow('webwire.limit')),
            origins: config.getOrThrow<string>('webwire.origins').split(','),
          },
          Greeter: config.getOrThrow<WebwireGatewayOverrides>('webwire.secure'),
        },
      }),
    });
    const metadata = { imports: [module], providers: [Counter, Greeter] };
    const app = track(await TestApp.startWithout(metadata, undefined, { adapter: adapter() }));
    const counter = app.get(Counter).server;
    expect(counter.options).toMatchObject({
      concurrencyLimit: 3,
      maxConnections: 7,
      origins: ['https://a.example', 'https://b.example'],
    });
    expect(await (await app.connect()).ask('count')).toBe('utf8 1');
    const { port } = app.get(Greeter).server.address as AddressInfo;
    const client = await WireClient.connect(`wss://127.0.0.1:${port}/`, { ca });
    expect(await client.ask('greet', 'Ada')).toBe('utf8 Hello Ada');
    client.socket.terminate();
  });

  it('of a gateway take precedence: configuration, then decorator, then module', async () => {
    @WebwireGateway({ readTimeout: 2_000, messageBufferSize: 200, maxConnections: 20, origins: 'https://decorator' })
    class Mixed {
      @WebSocketServer() server!: WebwireServer;
    }
    @WebwireGateway({ path: '/other' })
    class Other {
      @WebSocketServer() server!: WebwireServer;
    }
    const app = await start(
      { providers: [Mixed, Other] },
      {
        readTimeout: 1_000,
        messageBufferSize: 100,
        shutdownTimeout: 1_000,
        concurrencyLimit: 10,
        maxConnections: 10,
        maxBufferedAmount: 10,
        origins: 'https://module',
        handshakeTimeout: 10,
        gateways: {
          Mixed: { messageBufferSize: 300, shutdownTimeout: undefined, maxConnections: 30, maxBufferedAmount: 30 },
        },
      },
    );
    expect(app.get(Mixed).server.options).toEqual({
      readTimeout: 2_000,
      messageBufferSize: 300,
      subProtocolName: '',
      concurrencyLimit: 10,
      maxConnections: 30,
      maxStreams: 64,
      extensions: true,
      maxBufferedAmount: 30,
      origins: 'https://decorator',
      handshakeTimeout: 10,
      path: '/',
      shutdownTimeout: 1_000,
      webSocketProtocols: [],
      trustProxy: false,
      maxConnectionsPerAddress: Infinity,
      rateLimit: undefined,
    });
    expect(app.get(Other).server.options).toMatchObject({
      messageBufferSize: 100,
      maxConnections: 10,
      maxBufferedAmount: 10,
      origins: 'https://module',
    });
  });

  const bad: [string, WebwireModuleOptions, string][] = [
    ['readTimeout', { readTimeout: 0 }, 'readTimeout is 0, but must be an integer from 1 to 4294967295 (milliseconds)'],
    ['readTimeout', { readTimeout: '1s' as never }, "readTimeout is '1s', but must be an integer"],
    ['messageBufferSize', { messageBufferSize: 31 }, 'messageBufferSize is 31, but must be an integer from 32'],
    ['messageBufferSize', { messageBufferSize: 1.5 }, 'messageBufferSize is 1.5, but must be'],
    ['messageBufferSize', { messageBufferSize: 2 ** 32 }, 'messageBufferSize is 4294967296, but must be'],
    ['subProtocolName', { subProtocolName: 1 as never }, 'subProtocolName is 1, but must be a string'],
    [
      'subProtocolName',
      { subProtocolName: 'ї'.repeat(11), messageBufferSize: 32 },
      'but must be a name of at most 21 bytes, as messageBufferSize is 32',
    ],
    ['path', { path: 'chat' }, "path is 'chat', but must be a path such as"],
    ['path', { path: '/chat?x' }, "path is '/chat?x', but must be"],
    ['shutdownTimeout', { shutdownTimeout: -1 }, 'shutdownTimeout is -1, but must be'],
    ['readTimeout', { readTimeout: Infinity }, 'readTimeout is Infinity, but must be an integer'],
    [
      'concurrencyLimit',
      { concurrencyLimit: 0 },
      'concurrencyLimit is 0, but must be an integer of at least 1 (handlers), or Infinity',
    ],
    ['concurrencyLimit', { concurrencyLimit: 1.5 }, 'concurrencyLimit is 1.5, but must be'],
    ['concurrencyLimit', { concurrencyLimit: NaN }, 'concurrencyLimit is NaN, but must be'],
    [
      'maxConnections',
      { maxConnections: 0 },
      'maxConnections is 0, but must be an integer of at least 1 (connections)',
    ],
    ['maxConnections', { maxConnections: '9' as never }, "maxConnections is '9', but must be"],
    ['maxStreams', { maxStreams: 0 }, 'maxStreams is 0, but must be an integer of at least 1 (streams), or Infinity'],
    ['maxStreams', { maxStreams: '64' as never }, "maxStreams is '64', but must be"],
    [
      'rateLimit',
      { rateLimit: { limit: 0, window: 1_000 } },
      'rateLimit is { limit: 0, window: 1000 }, but must be false, or { limit, window, burst }: limit an integer from 1',
    ],
    [
      'rateLimit',
      { rateLimit: { limit: 1.5, window: 1_000 } },
      'rateLimit is { limit: 1.5, window: 1000 }, but must be',
    ],
    ['rateLimit', { rateLimit: { limit: 5 } as never }, 'rateLimit is { limit: 5 }, but must be'],
    [
      'rateLimit',
      { rateLimit: { limit: 5, window: 2 ** 31 } },
      'window an integer from 1 to 2147483647 (milliseconds)',
    ],
    ['rateLimit', { rateLimit: { limit: 5, window: 1_000, burst: 0 } }, 'burst: 0 }, but must be'],
    ['rateLimit', { rateLimit: { limit: 5, window: 1_000, ttl: 1 } as never }, 'ttl: 1 }, but must be'],
    ['rateLimit', { rateLimit: 100 as never }, 'rateLimit is 100, but must be'],
    ['rateLimit', { rateLimit: true as never }, 'rateLimit is true, but must be'],
    [
      'rateLimit',
      { gateways: { Greeter: { rateLimit: [] as never } } },
      'gateways.Greeter.rateLimit is [], but must be',
    ],
    ['globalEnhancers', { globalEnhancers: 'no' as never }, "globalEnhancers is 'no', but must be true or false"],
    [
      'globalEnhancers',
      { gateways: { Greeter: { globalEnhancers: 0 as never } } },
      'gateways.Greeter.globalEnhancers is 0',
    ],
    ['extensions', { extensions: 'no' as never }, "extensions is 'no', but must be true or false"],
    ['extensions', { extensions: ['ping'] as never }, 'but must be true or false'],
    ['maxBufferedAmount', { maxBufferedAmount: -1 }, 'maxBufferedAmount is -1, but must be an integer from 0 to'],
    ['maxBufferedAmount', { maxBufferedAmount: Infinity }, 'maxBufferedAmount is Infinity, but must be'],
    ['origins', { origins: 'example.com' }, "origins is 'example.com', but must be an origin such as"],
    ['origins', { origins: 'https://example.com/' }, "origins is 'https://example.com/', but must be"],
    [
      'origins',
      { origins: ['https://a.example', '*'] },
      'but must be an origin such as "https://example.com", a RegExp',
    ],
    ['origins', { origins: true as never }, 'origins is true, but must be'],
    [
      'maxConnectionsPerAddress',
      { maxConnectionsPerAddress: 0 },
      'maxConnectionsPerAddress is 0, but must be an integer of at least 1 (connections), or Infinity',
    ],
    [
      'maxConnectionsPerAddress',
      { maxConnectionsPerAddress: '5' as never },
      "maxConnectionsPerAddress is '5', but must be",
    ],
    [
      'trustProxy',
      { trustProxy: '1' },
      "trustProxy is '1', but must be true, false, a number of proxies (no string), IP addresses",
    ],
    ['trustProxy', { trustProxy: 'true' }, "trustProxy is 'true', but must be"],
    ['trustProxy', { trustProxy: '' }, "trustProxy is '', but must be"],
    ['trustProxy', { trustProxy: -1 }, 'trustProxy is -1, but must be'],
    ['trustProxy', { trustProxy: 1.5 }, 'trustProxy is 1.5, but must be'],
    ['trustProxy', { trustProxy: Infinity }, 'trustProxy is Infinity, but must be'],
    ['trustProxy', { trustProxy: null as never }, 'trustProxy is null, but must be'],
    ['trustProxy', { trustProxy: ['loopback', 'localhost'] }, "trustProxy is [ 'loopback', 'localhost' ], but must be"],
    ['trustProxy', { trustProxy: '10.0.0.0/33' }, "trustProxy is '10.0.0.0/33', but must be"],
    ['trustProxy', { trustProxy: '10.0.0.1/' }, "trustProxy is '10.0.0.1/', but must be"],
    ['trustProxy', { trustProxy: ['10.0.0.1, 10.0.0.2'] }, 'but must be'],
    ['trustProxy', { gateways: { Greeter: { trustProxy: [1 as never] } } }, 'gateways.Greeter.trustProxy is [ 1 ]'],
    [
      'webSocketProtocols',
      { webSocketProtocols: 'chat' as never },
      "webSocketProtocols is 'chat', but must be an array of different names",
    ],
    ['webSocketProtocols', { webSocketProtocols: ['chat room'] }, 'but must be an array of different names'],
    ['webSocketProtocols', { webSocketProtocols: ['a', ''] }, 'but must be an array of different names'],
    ['webSocketProtocols', { webSocketProtocols: ['a', 'b', 'a'] }, 'but must be an array of different names'],
    [
      'webSocketProtocols',
      { gateways: { Greeter: { webSocketProtocols: [1 as never] } } },
      'gateways.Greeter.webSocketProtocols is [ 1 ], but must be',
    ],
    ['handshakeTimeout', { handshakeTimeout: 0 }, 'handshakeTimeout is 0, but must be an integer from 1 to 2147483647'],
    [
      'concurrencyLimit',
      { gateways: { Greeter: { concurrencyLimit: -1 } } },
      'gateways.Greeter.concurrencyLimit is -1, but must be',
    ],
    ['codec', { codec: {} as never }, 'codec is {}, but must be a codec: an object with the functions'],
    ['gateways', { gateways: 1 as never }, 'gateways is 1, but must be'],
    ['gateways', { gateways: new Map() as never }, 'gateways is Map(0) {}, but must be an object of options'],
    ['sessions', { sessions: true as never }, 'sessions is true, but must be false or an object of options'],
    ['cluster', { cluster: {} as never }, 'cluster is {}, but must be a cluster, such as new RedisCluster() of'],
    ['path', { path: '/ї' }, "path is '/ї', but must be"],
    ['a typo', { readTimout: 1 } as never, 'has no option readTimout; there are: readTimeout, messageBufferSize'],
    [
      'port',
      { gateways: { Greeter: { port: 65_536 } } },
      'gateways.Greeter.port is 65536, but must be an integer from 0 to 65535',
    ],
    ['a typo', { gateways: { Greeter: { colour: 1 } as never } }, 'has no option gateways.Greeter.colour; there are: '],
    [
      'gateway',
      { gateways: { Greter: {} } },
      'gateways.Greter is for a gateway that does not exist; the gateways are: Greeter',
    ],
    ['gateway', { gateways: { Greeter: 1 as never } }, 'gateways.Greeter is 1, but must be an object'],
  ];
  it.each(bad)('that are bad fail at start: %s', async (_name, options, message) => {
    await expect(start({ providers: [Greeter] }, options)).rejects.toThrow(message);
    await expect(start({ providers: [Greeter] }, options)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('are read from prototypes and accessors, too', async () => {
    class Config {
      get readTimeout() {
        return this.value;
      }
      constructor(private readonly value: number) {
        Object.defineProperty(this, 'value', { enumerable: false });
      }
    }
    const make = (value: number) => WebwireModule.forRootAsync({ useFactory: () => new Config(value) });
    const app = track(await TestApp.startWithout({ imports: [make(5_000)], providers: [Counter] }));
    expect(app.get(Counter).server.options.readTimeout).toBe(5_000);
    await expect(TestApp.startWithout({ imports: [make(-5)], providers: [Counter] })).rejects.toThrow(
      'readTimeout is -5',
    );
  });

  it('in decorators are checked too', async () => {
    expect(() => WebwireGateway(70_000)).toThrow(
      'port of @WebwireGateway() is 70000, but must be an integer from 0 to',
    );
    expect(() => WebwireGateway('4000' as never)).toThrow("is '4000', but must be");
    expect(() => WebwireGateway(1.5, {})).toThrow('is 1.5, but must be');
    @WebwireGateway({ readTimeout: -1 })
    class Bad {}
    await expect(start({ providers: [Bad] })).rejects.toThrow('Bad.readTimeout is -1');
    @WebSocketGateway({ namespace: 'chat' })
    class Namespaced {}
    await expect(start({ providers: [Namespaced] })).rejects.toThrow(
      "Namespaced.namespace is 'chat', but must be absent: WebWire has no namespaces, use the option path",
    );
  });

  it.each<[string, WebwireModuleOptions]>([
    ['a key in place of options', { tls: 'SECRET' as never }],
    ['keys in a list', { tls: ['SECRET'] as never }],
    ['options of the HTTP server', { gateways: { Greeter: { tls: { key: 'SECRET' } } } }],
    ['a key that is none', { gateways: { Greeter: { port: 0, tls: { key: 'SECRET' } } } }],
    ['a passphrase of a wrong type', { gateways: { Greeter: { port: 0, tls: { key: { SECRET: 1 } as never } } } }],
  ])('for TLS that cannot be used fail at start, and give no key away: %s', async (_what, options) => {
    const error = (await start({ providers: [Greeter] }, options).catch((reason: unknown) => reason)) as Error;
    expect(error.name).toBe('InvalidOptionError');
    expect(error.message).toContain('tls');
    expect(inspect(error)).not.toContain('SECRET');
  });

  it('for TLS on which gateways disagree give no key away', async () => {
    const gateways = {
      Greeter: { port: 4000, tls: { key: 'SECRET' } },
      Counter: { port: 4000, tls: { key: 'OTHER' } },
    };
    const starting = start({ providers: [Greeter, Counter] }, { gateways });
    await expect(starting).rejects.toThrow(/^Greeter and Counter share .* disagree on its option tls$/);
  });

  it('are different transports of one kind, too', async () => {
    const gateways = { Greeter: { transport: new WsTransport() }, Counter: { transport: new WsTransport() } };
    const starting = start({ providers: [Greeter, Counter] }, { gateways });
    await expect(starting).rejects.toThrow('disagree on its option transport: WsTransport {} and WsTransport {}');
  });

  it('on which gateways of one server disagree fail at start', async () => {
    @WebwireGateway({ readTimeout: 1_000 })
    class A {}
    @WebwireGateway({ readTimeout: 2_000 })
    class B {}
    await expect(start({ providers: [A, B, Greeter] })).rejects.toThrow(
      'A and B share a WebWire server but disagree on its option readTimeout: 1000 and 2000',
    );
  });

  it('of a plain gateway cannot move it away from one it shares a server with', async () => {
    @WebSocketGateway()
    class A {}
    @WebSocketGateway()
    class B {}
    await expect(start({ providers: [A, B] }, { gateways: { B: { port: 0 } } })).rejects.toThrow(
      'B is moved away from A by configuration: decorate it with a @WebwireGateway() of its own',
    );
    @WebwireGateway()
    class Base {}
    class Heir extends Base {}
    await expect(start({ providers: [Base, Heir] }, { gateways: { Heir: { port: 0 } } })).rejects.toThrow(
      'Heir is moved away from Base by configuration',
    );
  });
});

describe('handlers', () => {
  function gatewayWith(decorate: (prototype: object) => void): Type {
    class Second {
      handle() {
        return undefined;
      }
    }
    decorate(Second.prototype);
    WebwireGateway()(Second);
    return Second;
  }
  const apply =
    (decorator: MethodDecorator, key: string | symbol = 'handle') =>
    (prototype: object = { [key]: () => 1 }) =>
      decorator(prototype, key, Object.getOwnPropertyDescriptor(prototype, key)!);

  @WebwireGateway()
  class First {
    @WebwireRequest('x') request() {}
    @WebwireSignal('x') signal() {}
    @WebwireSignal() nameless() {}
    @WebwireRequest({ fallback: true }) fallback() {}
  }

  it.each<[string, MethodDecorator]>([
    ['First.request and Second.handle both handle request "x"', WebwireRequest('x')],
    ['First.request and Second.handle both handle request "x"', SubscribeMessage('x')],
    ['First.signal and Second.handle both handle signal "x"', WebwireSignal('x')],
    ['First.nameless and Second.handle both handle signals without a name', WebwireSignal('')],
    ['First.fallback and Second.handle both handle the request fallback', WebwireRequest({ fallback: true })],
  ])('of the same messages fail at start: %s', async (message, decorator) => {
    await expect(start({ providers: [First, gatewayWith(apply(decorator))] })).rejects.toThrow(message);
  });

  it.each<[string, MethodDecorator]>([
    ['a name', WebwireRequest('y')],
    ['no name', WebwireRequest()],
    ['the other fallback', WebwireSignal({ fallback: true })],
  ])('of different messages do not: %s', async (_what, decorator) => {
    await start({ providers: [First, gatewayWith(apply(decorator))] });
  });

  it('of one gateway that two modules provide are named with their modules', async () => {
    @Module({ providers: [First] })
    class A {}
    @Module({ providers: [First] })
    class B {}
    await expect(start({ imports: [A, B] })).rejects.toThrow('First.request of A and First.request of B both handle');
  });

  it.each<[string, () => unknown, string]>([
    ['codec', () => WebwireRequest('a', { codec: 5 as never }), 'request handler.codec is 5, but must be a codec'],
    ['a typo', () => WebwireSignal({ nmae: 'b' } as never), 'has no option signal handler.nmae; there are: name, '],
    ['fallback', () => WebwireRequest({ fallback: 'yes' as never }), "fallback is 'yes', but must be a boolean"],
    ['a number', () => WebwireRequest(5 as never), 'request handler is 5, but must be an object of options'],
    ['null', () => WebwireRequest(null as never), 'request handler is null, but must be an object'],
    ['a property', () => WebwireRequest('a')({}, 'property', undefined as never), 'property is not'],
    ['a symbol', () => apply(WebwireRequest('a'), Symbol('x'))(), 'Symbol(x) is not'],
    ['a static method', () => WebwireRequest('a')(class {}, 'x', { value: () => 1 }), 'not static: x is not'],
  ])('that cannot be are refused where they stand: %s', (_what, decorate, message) => {
    expect(decorate).toThrow(message);
  });

  it('with names that no message can have are refused', async () => {
    expect(() => apply(WebwireRequest('grüße'), 'greet')()).toThrow(
      '"grüße" cannot be the name of a WebWire request, which Object.greet handles',
    );
    expect(() => apply(WebwireSignal('x'.repeat(256)))()).toThrow('names are at most 255 printable ASCII characters');
    expect(() => WebwireSignal({ name: 'x', fallback: true } as never)).toThrow('either a name or fallback: true');
    await expect(start({ providers: [gatewayWith(apply(SubscribeMessage({ cmd: 'x' } as never)))] })).rejects.toThrow(
      '@SubscribeMessage() of Second.handle needs a string as its name',
    );
  });
});

describe('the module', () => {
  it('does without gateways', async () => {
    await start({ controllers: [Routes] });
  });

  it('serves two applications of one process apart', async () => {
    const [a, b] = [await start({ providers: [Counter] }), await start({ providers: [Counter] })];
    const [client] = [await b.connect(), await a.connect()];
    await a.close();
    expect(await client.ask('count')).toBe('utf8 1');
  });

  it('reports a port that is taken as a failure to start', async () => {
    const taken = createServer().listen(0);
    await once(taken, 'listening');
    track({ close: () => new Promise((resolve) => taken.close(resolve)) });
    const { port } = taken.address() as AddressInfo;
    await expect(start({ providers: [Greeter] }, { gateways: { Greeter: { port } } })).rejects.toThrow('EADDRINUSE');
  });

  it('works in an application without sockets', async () => {
    @Module({ imports: [WebwireModule.forRoot()], providers: [Greeter] })
    class AppModule {}
    const logger = new RecordingLogger();
    const app = await NestFactory.createApplicationContext(AppModule, { logger });
    await app.close();
    expect(logger.at('error')).toEqual([]);
  });
});
