import { EventsHandler } from '@nestjs/cqrs';
import { MessageBody, ConnectedSocket } from '@nestjs/websockets';
import { WebwireConnection, WebwireGateway, WebwireRequest, WebwireService } from 'nestjs-webwire';
import { expect, it, onTestFinished } from 'vitest';
import { TestApp } from '../support/test-app.js';
import { describe } from '../support/wire-client.js';
import { OrderShipped, OrdersModule } from './cqrs.module.js';

@WebwireGateway()
class FollowGateway {
  constructor(private readonly webwire: WebwireService) {}
  @WebwireRequest('follow') follow(@MessageBody() order: string, @ConnectedSocket() connection: WebwireConnection) {
    this.webwire.join(connection, `order ${order}`);
  }
}

async function start(providers: unknown[] = []) {
  const metadata = { imports: [OrdersModule], providers: [FollowGateway, ...(providers as [])] };
  const app = await TestApp.start(metadata, { sessions: false });
  onTestFinished(() => app.close());
  return app;
}

it('a command answers a request, and its event signals to the clients that follow', async () => {
  const app = await start();
  const [client, follower, other] = [await app.connect(), await app.connect(), await app.connect()];
  await follower.ask('follow', '7');
  await other.ask('follow', '8');
  expect(await client.ask('ship', '7')).toBe('utf8 {"parcel":"parcel of 7"}');
  expect(describe(await follower.next())).toBe('signal shipped utf8 7');
  await client.ask('ship', '8');
  expect(describe(await other.next())).toBe('signal shipped utf8 8');
});

it('the client that sent the command gets the signal of its event before the reply', async () => {
  const app = await start();
  const client = await app.connect();
  await client.ask('follow', '7');
  client.send('ship', '7');
  expect(describe(await client.next())).toBe('signal shipped utf8 7');
  expect(describe(await client.next())).toBe('utf8 {"parcel":"parcel of 7"}');
});

it('the error of a command handler is the answer to the request', async () => {
  const app = await start();
  const client = await app.connect();
  expect(await client.ask('ship', '')).toBe('error NO_ORDER: there is no such order');
});

it('a failing event handler is logged, and changes neither the reply nor other event handlers', async () => {
  @EventsHandler(OrderShipped)
  class Failing {
    async handle() {
      return Promise.reject(new Error('the printer is on fire'));
    }
  }
  const app = await start([Failing]);
  const client = await app.connect();
  await client.ask('follow', '7');
  client.send('ship', '7');
  expect(describe(await client.next())).toBe('signal shipped utf8 7');
  expect(describe(await client.next())).toBe('utf8 {"parcel":"parcel of 7"}');
  await app.logger.logged('error', 'the printer is on fire');
});
