// docs/observability.md
// Alone: the page subscribes for good.
import { WebwireGateway, WebwireRequest, WebwireSignal, type MessageTracing } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { subscribe } from 'node:diagnostics_channel';
import { Histogram, register } from 'prom-client';
import { serve } from './serve.js';

@WebwireGateway()
class Gateway {
  @WebwireRequest('now') now(): void {}
  @WebwireRequest('later') async later(): Promise<void> {}
  @WebwireSignal('typing') typing(): void {}
}

// block 6

const app = await serve({ providers: [Gateway] });
const client = new WebwireClient('ws://localhost/');
await client.signal('typing');
for (const name of ['now', 'now', 'later']) await client.request(name);
await client.request('unknown').catch(() => undefined);
await client.close();
await app.close();
console.log((await register.metrics()).match(/.*_count.*/g));

// Prints:
// [
//   'webwire_message_duration_seconds_count{kind="signal",route="typing",outcome="handled"} 1',
//   'webwire_message_duration_seconds_count{kind="request",route="now",outcome="replied"} 2',
//   'webwire_message_duration_seconds_count{kind="request",route="later",outcome="replied"} 1',
//   'webwire_message_duration_seconds_count{kind="request",route="none",outcome="refused"} 1'
// ]
