// docs/groups.md
import { Injectable } from '@nestjs/common';
import { ConnectedSocket, MessageBody, OnGatewayConnection } from '@nestjs/websockets';
import { CanActivate, ExecutionContext } from '@nestjs/common';
import { setTimeout } from 'node:timers/promises';
import {
  jsonCodec,
  UseHandshakeGuards,
  WebwireConnection,
  WebwireGateway,
  WebwireService,
  WebwireSignal,
  type GroupMember,
  type Handshake,
} from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { serve } from './serve.js';

interface Article {
  readonly title: string;
}

interface User {
  readonly id: string;
}

/** The page leaves it out. */
class TokenGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    context.switchToWs().getData<Handshake>().info = { user: { id: '7' } };
    return true;
  }
}

// block 1

// block 2

// block 4

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

const app = await serve({ providers: [AccountGateway, NewsGateway, NewsService, Presence] });
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

// block 3

console.log(
  'members:',
  (await webwire.members('room')).map(({ info }) => info),
);
const left = nextOf(first, 'left');
const joined = nextOf(first, 'joined');
webwire.leave(connection, 'room');
webwire.join(connection, 'room', { as: user.id, info: { name: 'Hopper' } });
console.log('left:', await left, 'joined:', await joined);

// block 5

const infos = app
  .get(Presence)
  .members('room')
  .map(({ info }) => info);
console.log('count:', count, 'present:', infos);
const notices = [nextOf(first, 'notice'), nextOf(second, 'notice')];
app.get(AccountGateway).notify('7', 'The export is ready');
console.log('notices:', await Promise.all(notices));
webwire.leave(connection, 'room');
console.log('present:', app.get(Presence).members('room').length);
for (const client of clients) await client.close();
await app.close();

// Prints:
// news: [ { title: 'A moth' }, { title: 'A moth' } ]
// entered: Ada
// members: [ undefined, { name: 'Grace' } ]
// left: { name: 'Grace' } joined: { name: 'Hopper' }
// count: 2 present: [ undefined, { name: 'Hopper' } ]
// notices: [ 'The export is ready', 'The export is ready' ]
// present: 1
