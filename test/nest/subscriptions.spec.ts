import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { WebwireGateway, WebwireRequest, WebwireSignal } from 'nestjs-webwire';
import { afterEach, expect, it } from 'vitest';
import { TestApp } from '../support/test-app.js';

let app: TestApp;
afterEach(() => app.close());

it('each handler is logged once, at start', async () => {
  @WebwireGateway()
  class Auth {
    @WebwireRequest('auth') @WebwireSignal('"quoted"') auth() {}
    @WebwireRequest() nameless() {}
    @WebwireSignal({ fallback: true }) fallback() {}
    @SubscribeMessage('plain') plain() {}
  }
  @WebwireGateway({ path: '/admin' })
  class Admin {
    @WebwireRequest('stats') stats() {}
  }
  @WebwireGateway({ path: '/own' })
  class Own {
    @WebwireSignal() stats() {}
  }
  @WebSocketGateway()
  class Plain {
    @WebwireRequest({ fallback: true }) mixed() {}
    @SubscribeMessage('x') x() {}
  }
  app = await TestApp.start({ providers: [Auth, Admin, Own, Plain] }, { gateways: { Own: { port: 0 } } });
  const lines = app.logger.at('log').filter((line) => line.includes('subscribed'));
  const texts = lines.map((line) => line.replace(/ (Webwire|WebSocketsController)$/, ''));
  expect(texts.toSorted()).toEqual(
    [
      'Auth subscribed to the "auth" request',
      'Auth subscribed to the "\\"quoted\\"" signal',
      'Auth subscribed to requests without a name',
      'Auth subscribed to all other signals',
      'Auth subscribed to the "plain" message',
      'Admin subscribed to the "stats" request at /admin',
      'Own subscribed to signals without a name on a port of its own at /own',
      'Plain subscribed to all other requests',
      'Plain subscribed to the "x" message',
    ].toSorted(),
  );
});
