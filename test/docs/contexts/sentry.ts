// docs/observability.md
// Alone: Sentry instruments the process.
import { RequestError, WebwireGateway, WebwireRequest, type MessageTracing } from 'nestjs-webwire';
import * as Sentry from '@sentry/node';
import { Logger } from '@nestjs/common';
import { WebwireClient } from 'nestjs-webwire/client';
import { WebwireInstrumentation } from 'nestjs-webwire/opentelemetry';
import { subscribe } from 'node:diagnostics_channel';
import { serve } from './serve.js';

const dsn = 'https://key@sentry.invalid/1';
// Every message has a span.
Math.random = () => 0;

// block 7

// Shows what would be sent, to nobody.
Sentry.getClient()!.getTransport()!.send = async ([, items]) => {
  for (const [{ type }, body] of items) {
    const { exception, tags } = body as Sentry.ErrorEvent;
    if (type === 'event') console.log('event:', exception?.values?.[0]?.value, tags?.['webwire.handler']);
    const spans = (body as { items?: { name: string }[] }).items ?? [];
    if (type === 'span') console.log('spans:', spans.map(({ name }) => name).sort());
  }
  return { statusCode: 200 };
};

@WebwireGateway()
class Gateway {
  @WebwireRequest('fail') fail() {
    throw new Error('broken');
  }
  @WebwireRequest('refuse') refuse() {
    throw new RequestError('NOT_NOW');
  }
}

const app = await serve({ providers: [Gateway] });
Logger.overrideLogger(false);
const client = new WebwireClient('ws://localhost/');
for (const name of ['fail', 'refuse']) await client.request(name).catch(() => undefined);
await client.close();
await app.close();
await Sentry.close();

// Prints:
// event: broken Gateway.fail
// spans: [ 'fail', 'fail', 'refuse', 'refuse' ]
