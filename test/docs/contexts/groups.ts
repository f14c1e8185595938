// docs/groups.md
import { Injectable } from '@nestjs/common';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { jsonCodec, WebwireConnection, WebwireGateway, WebwireService, WebwireSignal } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { serve } from './serve.js';

interface Article {
  readonly title: string;
}

// block 1

@WebwireGateway({ codec: jsonCodec })
class NewsGateway {
  constructor(private readonly news: NewsService) {}

  handleConnection(connection: WebwireConnection) {
    connection.info.name = 'Ada';
  }
  @WebwireSignal('enter') enter(@MessageBody() room: string, @ConnectedSocket() connection: WebwireConnection) {
    this.news.enter(connection, room);
  }
}

const app = await serve({ providers: [NewsGateway, NewsService] });
const webwire = app.get(WebwireService);
const clients = [1, 2].map(() => new WebwireClient('ws://localhost/', { codec: jsonCodec }));
const [first, second] = clients as [WebwireClient, WebwireClient];
const nextOf = (client: WebwireClient, name: string) =>
  new Promise((resolve) => client.onSignal(name, ({ body }) => resolve(body)));

await first.connect();
await second.connect();
const received = [nextOf(first, 'news'), nextOf(second, 'news')];
app.get(NewsService).publish({ title: 'A moth' });
console.log('news:', await Promise.all(received));

await first.signal('enter', 'room');
const entered = nextOf(first, 'entered');
await second.signal('enter', 'room');
console.log('entered:', await entered);

const [, connection] = [...webwire.connections] as [WebwireConnection, WebwireConnection];
const user = { id: '7', name: 'Grace' };
webwire.leave(connection, 'room');

// block 2

console.log(
  'members:',
  (await webwire.members('room')).map(({ info }) => info),
);
const left = nextOf(first, 'left');
const joined = nextOf(first, 'joined');
webwire.leave(connection, 'room');
webwire.join(connection, 'room', { as: user.id, info: { name: 'Hopper' } });
console.log('left:', await left, 'joined:', await joined);
for (const client of clients) await client.close();
await app.close();

// Prints:
// news: [ { title: 'A moth' }, { title: 'A moth' } ]
// entered: Ada
// members: [ undefined, { name: 'Grace' } ]
// left: { name: 'Grace' } joined: { name: 'Hopper' }
