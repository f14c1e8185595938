import { Controller, Injectable, Module, type INestApplication } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { NestFactory } from '@nestjs/core';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  WebwireAdapter,
  WebwireGateway,
  WebwireModule,
  WebwireRequest,
  WebwireSignal,
  type WebwireServer,
} from 'nestjs-webwire';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { RecordingLogger, TestApp } from '../support/test-app.js';

const opened: { close(): Promise<unknown> }[] = [];

function track<T extends { close(): Promise<unknown> }>(closable: T): T {
  opened.push(closable);
  return closable;
}

afterEach(async () => {
  for (const closable of opened.splice(0).toReversed()) await closable.close();
});

/** A new class for each test, as the applications of a process share the metadata of a class. */
function newGateway() {
  @WebwireGateway()
  class Chat {
    @WebwireRequest('x') x() {
      return 'x';
    }
  }
  return Chat;
}

/** A plain gateway with a WebWire handler. */
function newPlainGateway() {
  @WebSocketGateway()
  class Chat {
    @WebwireRequest('x') x() {
      return 'x';
    }
  }
  return Chat;
}

describe('a @WebwireGateway() without WebwireModule', () => {
  const forgotten =
    'Chat is a @WebwireGateway(), but no WebwireAdapter is installed: import WebwireModule.forRoot() in the root module';
  it.each<[string, (app: INestApplication) => void]>([
    ['the default adapter', () => undefined],
    ['the adapter for socket.io', (app) => app.useWebSocketAdapter(new IoAdapter(app))],
    ['the adapter for ws', (app) => app.useWebSocketAdapter(new WsAdapter(app))],
  ])('fails the start: %s', async (_adapter, configure) => {
    await expect(TestApp.startWithout({ providers: [newGateway()] }, configure)).rejects.toThrow(forgotten);
  });

  it('fails the start beside plain gateways, which the other adapter serves', async () => {
    @WebSocketGateway()
    class Plain {
      @SubscribeMessage('x') x() {}
    }
    const configure = (app: INestApplication) => app.useWebSocketAdapter(new WsAdapter(app));
    await expect(TestApp.startWithout({ providers: [Plain, newGateway()] }, configure)).rejects.toThrow(forgotten);
  });

  it('starts with the adapter alone', async () => {
    const configure = (app: INestApplication) => app.useWebSocketAdapter(new WebwireAdapter(app));
    const app = track(await TestApp.startWithout({ providers: [newGateway()] }, configure));
    expect(await (await app.connect()).ask('x')).toBe('utf8 x');
  });

  it('starts with an adapter within another', async () => {
    class Outer {
      readonly inner: WebwireAdapter;
      constructor(app: INestApplication) {
        this.inner = new WebwireAdapter(app);
      }
      create(...args: Parameters<WebwireAdapter['create']>): WebwireServer {
        return this.inner.create(...args);
      }
      bindClientConnect() {}
      bindMessageHandlers() {}
      close(server: WebwireServer) {
        return this.inner.close(server);
      }
      dispose() {
        return this.inner.dispose();
      }
    }
    const configure = (app: INestApplication) => app.useWebSocketAdapter(new Outer(app));
    const app = track(await TestApp.start({ providers: [newGateway()] }, {}, configure));
    expect(await (await app.connect()).ask('x')).toBe('utf8 x');
  });
});

describe('another adapter installed beside WebwireModule', () => {
  it.each<[string, (app: INestApplication) => void, () => new () => object]>([
    ['WsAdapter', (app) => app.useWebSocketAdapter(new WsAdapter(app)), newGateway],
    ['IoAdapter', (app) => app.useWebSocketAdapter(new IoAdapter(app)), newGateway],
    ['WsAdapter', (app) => app.useWebSocketAdapter(new WsAdapter(app)), newPlainGateway],
    ['IoAdapter', (app) => app.useWebSocketAdapter(new IoAdapter(app)), newPlainGateway],
  ])('fails the start of handlers that it would not call: %s', async (name, configure, make) => {
    await expect(TestApp.start({ providers: [make()] }, {}, configure)).rejects.toThrow(
      `but ${name} is installed in place of WebwireAdapter: install no other with app.useWebSocketAdapter()`,
    );
  });
});

describe('a handler in a class that is no gateway', () => {
  @Injectable()
  class Service {
    @WebwireRequest('x') send() {}
  }
  @Controller()
  class Routes {
    @WebwireSignal('x') send() {}
  }
  @Injectable()
  class Heir extends Service {}

  it.each([
    ['a provider', { providers: [Service, newGateway()] }, 'Service.send()'],
    ['a provider, without any gateway', { providers: [Service] }, 'Service.send()'],
    ['a controller', { controllers: [Routes] }, 'Routes.send()'],
    ['a subclass', { providers: [Heir] }, 'Heir.send()'],
    ['a class under another token', { providers: [{ provide: 'x', useClass: Service }] }, 'Service.send()'],
  ])('fails the start: %s', async (_what, metadata, handler) => {
    await expect(TestApp.start(metadata)).rejects.toThrow(
      `${handler} handles WebWire messages, but ${handler.split('.')[0]} is no gateway: ` +
        'decorate the class with @WebwireGateway()',
    );
  });

  it('fails the start with the adapter alone, too', async () => {
    const configure = (app: INestApplication) => app.useWebSocketAdapter(new WebwireAdapter(app));
    const starting = TestApp.startWithout({ providers: [Service, newGateway()] }, configure);
    await expect(starting).rejects.toThrow('Service is no gateway');
  });

  it('is allowed in the base class of a gateway, and if a subclass overrides it', async () => {
    abstract class Base {
      @WebwireRequest('base') base() {
        return 'base';
      }
    }
    @WebwireGateway()
    class Gateway extends Base {}
    @Injectable()
    class Silent extends Service {
      override send() {}
    }
    const app = track(await TestApp.start({ providers: [Gateway, Silent] }));
    expect(await (await app.connect()).ask('base')).toBe('utf8 base');
  });

  it('logs a warning if an instance replaces the class', async () => {
    const Chat = newGateway();
    const providers = [
      { provide: Chat, useFactory: () => new Chat() },
      { provide: 'null', useValue: null },
      { provide: 'proxy', useValue: new Proxy({}, { get: () => () => undefined }) },
      { provide: 'alias', useExisting: Chat },
    ];
    const app = track(await TestApp.start({ providers }));
    expect(app.logger.at('warn')).toEqual([
      expect.stringContaining('Chat.x() is never called, as Chat is provided by useValue or useFactory'),
      expect.stringContaining('no module provides a gateway'),
    ]);
  });
});

describe('an application without gateways', () => {
  it('starts, with a warning', async () => {
    const app = track(await TestApp.start({}));
    expect(app.logger.at('warn').join()).toContain(
      'WebwireModule is imported, but no module provides a gateway, so that no client can connect',
    );
  });

  it('starts without one where there are gateways', async () => {
    const app = track(await TestApp.start({ providers: [newGateway()] }));
    expect(app.logger.at('warn')).toEqual([]);
  });
});

describe('a port that is taken', () => {
  it('is named with its gateways', async () => {
    @WebwireGateway()
    class News {}
    const taken = createServer().listen(0);
    await once(taken, 'listening');
    track({ close: () => new Promise((resolve) => taken.close(resolve)) });
    const { port } = taken.address() as AddressInfo;
    const gateways = { Chat: { port }, News: { port } };
    const starting = TestApp.start({ providers: [newGateway(), News] }, { gateways });
    await expect(starting).rejects.toMatchObject({ code: 'EADDRINUSE', cause: { code: 'EADDRINUSE' } });
    await expect(starting).rejects.toThrow(`Chat, News cannot listen on port ${port}: listen EADDRINUSE`);
    await expect(starting).rejects.toThrow('gateways.Chat.port, or leave it out to use that of the HTTP server');
  });

  it('by a gateway of the application is named when the HTTP server wants it', async () => {
    const Chat = newGateway();
    @Module({ imports: [WebwireModule.forRoot({ gateways: { Chat: { port: 0 } } })], providers: [Chat] })
    class AppModule {}
    const logger = new RecordingLogger();
    const app = track(await NestFactory.create(AppModule, { logger }));
    await app.init();
    const { WebwireService } = await import('nestjs-webwire');
    const { port } = app.get(WebwireService).serverOf(Chat).address as AddressInfo;
    await expect(app.listen(port)).rejects.toThrow('EADDRINUSE');
    expect(logger.at('error').join()).toContain(
      `The HTTP server cannot listen on port ${port}, which Chat already opened`,
    );
  });
});
