// docs/testing.md
import { WebwireGateway, WebwireMessage, WebwireRequest, type Message } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { serve } from './serve.js';

let begun: () => void;

/** A timer of an hour, which `end()` ends. */
function setTimeout<Value>(callback: (value: Value) => void, time: number, value: Value): () => void {
  console.log(time / 3_600_000, 'hour');
  begun();
  return (end = () => callback(value));
}
let end: () => void;
const clearTimeout = (timer: () => void) => (timer === end ? console.log('cleared') : undefined);

@WebwireGateway()
class Gateway {
  // block 3
}

const app = await serve({ providers: [Gateway] });
const client = new WebwireClient('ws://localhost/');
{
  const isRunning = new Promise<void>((resolve) => (begun = resolve));
  const reply = client.request('remind', undefined, { timeout: Infinity });
  await isRunning;
  end!();
  console.log((await reply).text());
}
{
  const isRunning = new Promise<void>((resolve) => (begun = resolve));
  const controller = new AbortController();
  const reply = client.request('remind', undefined, { signal: controller.signal }).catch((error: Error) => error.name);
  await isRunning;
  controller.abort();
  console.log(await reply);
}
await client.close();
await app.close();

// Prints:
// 1 hour
// an hour has passed
// 1 hour
// CanceledError
// cleared
