// docs/moving-from-socket.io.md
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { jsonCodec, WebwireConnection, WebwireGateway, WebwireRequest, WebwireService } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { serve } from './serve.js';

const token = () => 'secret';
const show = (body: unknown) => console.log('show', body);

// block 3

const app = await serve({ providers: [RoomsGateway] });
app
  .get(WebwireService)
  .serverOf(RoomsGateway)
  ?.on('connection', ({ connection }) => (connection.info.name = 'Ada'));

// block 4

console.log(body);
await client.close();
await app.close();

// Prints:
// show Ada
// { members: 1 }
