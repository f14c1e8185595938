/** Prints what is published on topics: `subscriber.js ws://localhost:3000 weather/berlin`. Ctrl-C ends it. */
import { WebwireClient } from 'nestjs-webwire/client';
import { WebSocket } from 'ws';
import type { PubSubApi } from './pubsub-api.js';

const [url = 'ws://localhost:3000', ...topics] = process.argv.slice(2);
const client = new WebwireClient<PubSubApi>(url, { webSocket: WebSocket });

client.onSignal('published', (payload) => {
  const { topic, text, at } = payload.json();
  console.log(`${at} ${topic}: ${text}`);
});
// A group consists of connections, so the program subscribes again after each reconnect.
client.on('connected', () => {
  for (const topic of topics.length > 0 ? topics : ['weather/berlin']) {
    client.request('subscribe', { topic }).then(
      () => console.log(`subscribed to ${topic}`),
      (error: Error) => console.error(`${topic}: ${error.message}`),
    );
  }
});
client.on('disconnected', () => console.log('the connection to the broker is lost'));
process.once('SIGINT', () => void client.close());
await client.connect();
