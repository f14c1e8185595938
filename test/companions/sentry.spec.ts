import * as Sentry from '@sentry/node';
import { MessageBody } from '@nestjs/websockets';
import { RequestError, WebwireGateway, WebwireRequest, WebwireStream } from 'nestjs-webwire';
import { WebwireInstrumentation } from 'nestjs-webwire/opentelemetry';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { TestApp } from '../support/test-app.js';
import { reportToSentry } from './sentry.js';

@WebwireGateway()
class Gateway {
  @WebwireRequest('fail') async fail(@MessageBody() user: string) {
    Sentry.setUser({ id: user });
    await nextTurn();
    Sentry.addBreadcrumb({ message: `breadcrumb of ${user}` });
    throw new Error(`broken for ${user}`);
  }
  @WebwireRequest('refuse') refuse() {
    throw new RequestError('NOT_NOW', 'later');
  }
  @WebwireStream('fail stream') async *failStream() {
    yield 1;
    await nextTurn();
    throw new Error('the stream broke');
  }
}

const events: Sentry.ErrorEvent[] = [];
const transactions: Sentry.Event[] = [];
let instrumentation: WebwireInstrumentation;
let app: TestApp;

beforeAll(async () => {
  Sentry.init({
    dsn: 'https://key@sentry.invalid/1',
    tracesSampleRate: 1,
    enableOpenTelemetrySetup: true,
    // What follows is for tests: nothing is sent, and no other library is instrumented.
    enableRuntimeChannelInjection: false,
    defaultIntegrations: false,
    traceLifecycle: 'static',
    transport: (options) => Sentry.createTransport(options, () => Promise.resolve({ statusCode: 200 })),
    beforeSend: (event) => {
      events.push(event);
      return event;
    },
    beforeSendTransaction: (event) => {
      transactions.push(event);
      return event;
    },
  });
  instrumentation = new WebwireInstrumentation();
  reportToSentry();
  app = await TestApp.start({ providers: [Gateway] }, { sessions: false });
});
afterEach(() => {
  events.length = 0;
  transactions.length = 0;
});
afterAll(async () => {
  instrumentation.disable();
  await app.close();
  await Sentry.close();
});

it('Sentry gets the failures of handlers, each with the scope of its own message', async () => {
  const client = await app.connect();
  client.send('fail', 'Ada');
  client.send('fail', 'Bob');
  for (let n = 0; n < 2; n++) await client.next();
  await Sentry.flush();
  const seen = events.map(({ user, tags, exception, breadcrumbs }) => [
    user?.id,
    tags?.['webwire.handler'],
    exception?.values?.[0]?.value,
    breadcrumbs?.map(({ message }) => message),
  ]);
  expect(seen).toEqual([
    ['Ada', 'Gateway.fail', 'broken for Ada', ['breadcrumb of Ada']],
    ['Bob', 'Gateway.fail', 'broken for Bob', ['breadcrumb of Bob']],
  ]);
});

it('Sentry gets the failures of streams, and no refusals', async () => {
  const client = await app.connect();
  await client.ask('wwr:extensions', '{"extensions":["stream"]}');
  await client.ask('refuse');
  client.send('fail stream');
  for (let n = 0; n < 2; n++) await client.next();
  await Sentry.flush();
  expect(events.map(({ exception }) => exception?.values?.[0]?.value)).toEqual(['the stream broke']);
});

it('Sentry gets the spans of messages', async () => {
  const client = await app.connect();
  await client.ask('refuse');
  await Sentry.flush();
  expect(transactions.map(({ transaction }) => transaction)).toEqual(['refuse']);
  expect(transactions[0]!.contexts?.trace?.data).toMatchObject({
    'rpc.system.name': 'webwire',
    'rpc.method': 'refuse',
  });
});
