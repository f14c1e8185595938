import {
  Injectable,
  Module,
  type INestApplication,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WebSocketServer } from '@nestjs/websockets';
import {
  WebwireConnection,
  WebwireGateway,
  WebwireModule,
  WebwireRequest,
  WebwireSignal,
  type DisconnectReason,
  type WebwireServer,
} from 'nestjs-webwire';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as passIo } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { deferred, type Deferred } from '../support/deferred.js';
import { refusal } from '../support/refusal.js';
import { RecordingLogger, TestApp } from '../support/test-app.js';
import { WireClient, describe as show } from '../support/wire-client.js';

describe('an application that starts', () => {
  const booting: Deferred[] = [];
  let reached: Deferred;

  @WebwireGateway()
  class OwnPort {
    @WebSocketServer() server!: WebwireServer;
    @WebwireRequest('x') x() {
      return 'x';
    }
  }
  @WebwireGateway()
  class HttpPort {
    @WebwireRequest('x') x() {
      return 'x';
    }
  }

  @Module({
    imports: [WebwireModule.forRoot({ gateways: { OwnPort: { port: 0 } } })],
    providers: [OwnPort, HttpPort],
  })
  class SlowModule implements OnApplicationBootstrap {
    async onApplicationBootstrap() {
      reached.resolve();
      const until = deferred();
      booting.push(until);
      await until.promise;
    }
  }

  let app: INestApplication;
  let httpServer: Server;

  beforeEach(async () => {
    reached = deferred();
    app = await NestFactory.create(SlowModule, { logger: false });
    httpServer = app.getHttpServer() as Server;
    await once(httpServer.listen(0, '127.0.0.1'), 'listening');
  });
  afterEach(() => app.close());

  it('refuses clients, or does not listen, until everything in it is ready', async () => {
    const { port } = httpServer.address() as AddressInfo;
    const initialised = app.init();
    await reached.promise;
    expect(await refusal(`ws://127.0.0.1:${port}/`)).toBe('503 server starting');
    expect(app.get(OwnPort).server.address).toBeNull();
    booting.pop()!.resolve();
    await initialised;
    const own = app.get(OwnPort).server.address as AddressInfo;
    for (const ready of [port, own.port]) {
      const client = await WireClient.connect(`ws://127.0.0.1:${ready}/`);
      expect(await client.ask('x')).toBe('utf8 x');
      await client.close();
    }
  });
});

it('an application that is closed before it was ready opens no port', async () => {
  const booting = deferred();
  const reached = deferred();
  @WebwireGateway()
  class Gateway {
    @WebSocketServer() server!: WebwireServer;
    async onApplicationBootstrap() {
      reached.resolve();
      await booting.promise;
    }
  }
  @Module({ imports: [WebwireModule.forRoot({ gateways: { Gateway: { port: 0 } } })], providers: [Gateway] })
  class AppModule {}
  const app = await NestFactory.create(AppModule, { logger: false });
  const initialised = app.init();
  await reached.promise;
  await app.close();
  booting.resolve();
  await initialised;
  expect(app.get(Gateway).server.address).toBeNull();
  await app.close();
});

describe('an application that closes', () => {
  @Injectable()
  class Database implements OnModuleDestroy, OnApplicationShutdown {
    isOpen = true;
    query() {
      if (!this.isOpen) throw new Error('the database is closed');
      return 'rows';
    }
    onModuleDestroy() {
      this.isOpen = false;
    }
    onApplicationShutdown() {
      this.isOpen = false;
    }
  }

  @Module({ providers: [Database], exports: [Database] })
  class DatabaseModule {}

  @WebwireGateway()
  class Gateway {
    @WebSocketServer() server!: WebwireServer;
    readonly work = deferred();
    readonly goodbye = deferred();
    readonly started = deferred<WebwireConnection>();
    readonly left: [DisconnectReason, string][] = [];
    signals = 0;

    constructor(readonly database: Database) {}

    @WebwireRequest('slow') async slow(connection: WebwireConnection) {
      this.started.resolve(connection);
      await this.work.promise;
      return this.database.query();
    }
    @WebwireRequest('x') x() {
      return 'x';
    }
    @WebwireSignal('x') signal() {
      this.signals++;
    }
    async handleDisconnect(_connection: WebwireConnection, reason: DisconnectReason) {
      await this.goodbye.promise;
      this.left.push([reason, this.database.query()]);
    }
  }

  let app: TestApp;
  let gateway: Gateway;
  let busy: WireClient;
  let idle: WireClient;

  async function start(shutdownTimeout?: number) {
    app = await TestApp.start({ imports: [DatabaseModule], providers: [Gateway] }, { shutdownTimeout });
    gateway = app.get(Gateway);
    [busy, idle] = [await app.connect(), await app.connect()];
    busy.send('slow');
    await gateway.started.promise;
  }
  afterEach(() => app.close());

  it('waits for handlers and disconnect hooks before providers are destroyed', async () => {
    await start();
    const closed = app.app.close();
    expect(await idle.ask('x')).toBe('shutdown');
    idle.sendBytes('1f0900000000000000');
    expect((await idle.nextBytes()).toString('hex')).toBe('010900000000000000');
    idle.signal('x', 'dropped');
    expect(await refusal(app.url())).toBe('503 server shutting down');
    const [connection] = gateway.server.connections;
    expect(connection!.signal('still', 'reachable')).toBe(true);
    gateway.work.resolve();
    expect(show(await busy.next())).toBe('signal still utf8 reachable');
    expect(show(await busy.next())).toBe('utf8 rows');
    expect(await busy.closed).toEqual({
      code: 1001,
      reason: 'server shutting down after all replies',
    });
    expect(await idle.closed).toEqual({
      code: 1001,
      reason: 'server shutting down after all replies',
    });
    expect(app.get(Database).isOpen).toBe(true);
    gateway.goodbye.resolve();
    await closed;
    expect(gateway.left).toEqual([
      ['shutdown', 'rows'],
      ['shutdown', 'rows'],
    ]);
    expect(gateway.signals).toBe(0);
    expect(app.get(Database).isOpen).toBe(false);
    expect(app.logger.at('error')).toEqual([]);
  });

  it('waits no longer than shutdownTimeout', async () => {
    await start(0);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const closed = app.app.close();
    while (app.logger.at('warn').length === 0) {
      vi.advanceTimersByTime(1);
      await passIo();
    }
    expect(await busy.closed).toMatchObject({ code: 1001 });
    expect(await idle.closed).toMatchObject({ code: 1001 });
    // Disconnect hooks still run, for which the shutdown waits for another 4 s.
    vi.advanceTimersByTime(4_000);
    await closed;
    expect(app.logger.at('warn').join()).toContain(
      'Shutdown did not finish within 0 ms: 1 handlers still run, 0 connection hooks are pending, 2 connections are cut',
    );
    gateway.goodbye.resolve();
    gateway.work.resolve();
  });

  it('is not held up by hooks that never end either', async () => {
    await start(200);
    gateway.work.resolve();
    await app.app.close();
    expect(await idle.closed).toMatchObject({ code: 1001 });
    expect(app.logger.at('warn').join()).toContain(
      '0 handlers still run, 2 connection hooks are pending, 0 connections',
    );
    gateway.goodbye.resolve();
  });

  it('shuts a server down once, even after several calls', async () => {
    await start();
    const shutdown = gateway.server.shutdown();
    expect(gateway.server.shutdown()).toBe(shutdown);
    gateway.work.resolve();
    gateway.goodbye.resolve();
    await shutdown;
    expect(gateway.server.connections.size).toBe(0);
    expect(await refusal(app.url())).toBe('503 server shutting down');
    expect((await fetch(app.url().replace('ws', 'http'))).status).toBe(404);
  });
});

it('an application that fails to start closes cleanly', async () => {
  @WebwireGateway()
  class Gateway {}
  @Module({ imports: [WebwireModule.forRoot()], providers: [Gateway] })
  class Failing {
    onApplicationBootstrap() {
      throw new Error('no database');
    }
  }
  const app = await NestFactory.create(Failing, { logger: new RecordingLogger() });
  await expect(app.init()).rejects.toThrow('no database');
  await app.close();
});
