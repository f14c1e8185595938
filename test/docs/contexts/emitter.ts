// docs/cluster.md
import { ConnectedSocket } from '@nestjs/websockets';
import { WebwireConnection, WebwireGateway, WebwireRequest, WebwireService } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { RedisCluster } from 'nestjs-webwire/redis';
import { serve } from './serve.js';

const url = 'redis://localhost:6379';
const file = 'export.csv';
const article = { title: 'A moth' };

@WebwireGateway()
class NewsGateway {
  constructor(private readonly webwire: WebwireService) {}

  @WebwireRequest('enter') async enter(@ConnectedSocket() connection: WebwireConnection) {
    await connection.createSession({ user: 'ann' });
    this.webwire.join(connection, 'room');
    await this.webwire.synchronized();
    return connection.id;
  }
}

const app = await serve(
  { providers: [NewsGateway] },
  { cluster: new RedisCluster({ url }), sessions: { manager: new RedisSessionManager({ url }) } },
);
const clients = ['first', 'second'].map((name) => {
  const client = new WebwireClient('ws://localhost/');
  for (const signal of ['export-ready', 'said', 'news']) {
    client.onSignal(signal, (payload) => console.log(name, signal, payload.text()));
  }
  return client;
});
const ids: string[] = [];
for (const client of clients) ids.push((await client.request('enter')).text());
const [first, second] = clients as [WebwireClient, WebwireClient];
const connectionId = ids[0]!;
const { key } = first.session!;
const closed = new Promise((resolve) => first.on('sessionClosed', resolve));
const news = Promise.all(clients.map((client) => new Promise((resolve) => client.onSignal('news', resolve))));

// block 3, lines 1 to 7
await news;
// block 3, lines 8 to 8

await closed;
console.log('sessions:', first.session, second.session !== null);

// block 3, lines 9 to 10

for (const client of clients) await client.close();
await app.close();

// Prints:
// first export-ready {"file":"export.csv"}
// second said Hello
// first news {"title":"A moth"}
// second news {"title":"A moth"}
// sessions: null true
