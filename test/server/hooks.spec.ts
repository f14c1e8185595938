import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { WebSocketServer } from '@nestjs/websockets';
import { WebwireConnection, WebwireGateway, WebwireRequest, type WebwireServer } from 'nestjs-webwire';
import { once } from 'node:events';
import { NEVER } from 'rxjs';
import { afterEach, expect, it } from 'vitest';
import { deferred } from '../support/deferred.js';
import { Queue } from '../support/queue.js';
import { TestApp } from '../support/test-app.js';

@Injectable()
class Database implements OnModuleDestroy {
  readonly order: string[] = [];
  onModuleDestroy() {
    this.order.push('database closed');
  }
}

@WebwireGateway()
class Gateway {
  @WebSocketServer() server!: WebwireServer;
  readonly events = new Queue<string>();
  readonly started = deferred();
  lookup: Promise<void> | undefined;

  constructor(private readonly database: Database) {}

  async handleConnection() {
    if (!this.lookup) return;
    this.events.push('connecting');
    await this.lookup.finally(() => this.events.push('connected'));
  }
  handleDisconnect(connection: WebwireConnection) {
    this.events.push('disconnected');
    this.database.order.push(`disconnected ${connection.isActive}`);
  }
  @WebwireRequest('follow') follow() {
    this.started.resolve();
    return NEVER;
  }
}

let app: TestApp;
let gateway: Gateway;

async function start(shutdownTimeout?: number) {
  app = await TestApp.start({ providers: [Gateway, Database] }, { shutdownTimeout });
  gateway = app.get(Gateway);
}

afterEach(() => app.close());

it.each(['resolves', 'rejects'])('handleDisconnect runs after a handleConnection that %s late', async (how) => {
  await start();
  const lookup = deferred();
  gateway.lookup = lookup.promise;
  const client = await app.connect();
  const gone = once(gateway.server, 'disconnection');
  client.socket.terminate();
  await gone;
  expect(gateway.server.connections.size).toBe(0);
  expect(gateway.events.rest).toEqual(['connecting']);
  if (how === 'resolves') lookup.resolve();
  else lookup.reject(new Error('no such user'));
  await gateway.events.take((event) => event === 'disconnected');
  expect(gateway.events.rest).toEqual(['connecting', 'connected']);
});

it('a shutdown waits for handleDisconnect, which waits for handleConnection', async () => {
  await start();
  const lookup = deferred();
  gateway.lookup = lookup.promise;
  const client = await app.connect();
  const shutdown = gateway.server.shutdown();
  await client.closed;
  lookup.resolve();
  await shutdown;
  expect(gateway.events.rest).toEqual(['connecting', 'connected', 'disconnected']);
});

it('when shutdownTimeout has passed, clients get 1001 and handleDisconnect runs before providers are destroyed', async () => {
  await start(1);
  const client = await app.connect();
  client.send('follow');
  await gateway.started.promise;
  await app.app.close();
  expect(app.logger.at('warn').join()).toContain('Shutdown did not finish within 1 ms: 1 handlers still run');
  // The reason is another one than that of a shutdown that has waited for the handlers.
  expect(await client.closed).toEqual({ code: 1001, reason: 'server shutting down, handlers did not end in time' });
  expect(app.get(Database).order).toEqual(['disconnected false', 'database closed']);
});
