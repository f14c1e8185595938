// docs/observability.md
// Alone: its subscriptions to channels stay.
import { Logger } from '@nestjs/common';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  type MemoryWebSocket,
  WebwireConnection,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireServer,
  WebwireService,
  RequestError,
  type Message,
  type MessageTracing,
} from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { activeTraceContext } from 'nestjs-webwire/opentelemetry';
import { tracingChannel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { serve } from './serve.js';

@WebwireGateway()
class AuthGateway {
  private readonly metrics = {
    dropped: (_connection: WebwireConnection['id'], bytes: number) => console.log('dropped with', bytes >= 16_384),
  };

  // block 1

  @WebwireRequest('auth') auth() {
    throw new RequestError('WRONG_CREDENTIALS');
  }
  @WebwireRequest('trace') trace(@WebwireMessage() message: Message) {
    return message.trace?.traceparent ?? 'none';
  }
}

const app = await serve({ providers: [AuthGateway] }, { maxBufferedAmount: 16_384 });

// block 2

// block 3

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
const span = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 };
await context.with(trace.setSpanContext(context.active(), span), async () => {
  for (const _ of ['first', 'second']) console.log((await client.request('trace')).text());
});
await client.request('auth').catch(() => undefined);
await client.close();

Logger.overrideLogger(false);
const slow = new WebSocket('ws://localhost:3000') as unknown as MemoryWebSocket;
slow.pause();
await once(slow, 'open');
const webwire = app.get(WebwireService);
while (webwire.connectionCount > 0) {
  webwire.broadcast('news', 'x'.repeat(1_000));
  await nextTurn();
}
await app.close();

// Prints:
// AuthGateway.trace: replied
// none
// AuthGateway.trace: replied
// 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
// AuthGateway.auth: refused WRONG_CREDENTIALS
// dropped with true
