// docs/observability.md
import { WebwireGateway, WebwireRequest, type MessageTracing } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { subscribe, unsubscribe, type ChannelListener } from 'node:diagnostics_channel';
import { Histogram, register } from 'prom-client';
import { serve } from './serve.js';

const kind = 'request';

class Metrics {
  // block 5
}

@WebwireGateway()
class Gateway {
  @WebwireRequest('greet') async greet() {
    return 'hello';
  }
}

const { onStart, onEnd } = new Metrics();
const listeners = { start: onStart, end: onEnd, asyncEnd: onEnd };
const channels = Object.entries(listeners).map(
  ([event, listener]) => [`tracing:nestjs-webwire:request:${event}`, listener as ChannelListener] as const,
);
for (const channel of channels) subscribe(...channel);
const app = await serve({ providers: [Gateway] });
const client = new WebwireClient('ws://localhost/');
await client.request('greet');
await client.request('greet');
await client.request('a name of the client').catch(() => undefined);
await client.close();
await app.close();
for (const channel of channels) unsubscribe(...channel);
for (const line of (await register.metrics()).split('\n')) if (line.includes('_count')) console.log(line);

// Prints:
// webwire_message_duration_seconds_count{kind="request",route="greet",outcome="replied"} 2
// webwire_message_duration_seconds_count{kind="request",route="none",outcome="refused"} 1
