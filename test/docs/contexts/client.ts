// docs/client.md
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { WebwireConnection, WebwireGateway, WebwireRequest, WebwireService, WebwireSignal } from 'nestjs-webwire';
import { jsonCodec, WebwireClient } from 'nestjs-webwire/client';
import { serve } from './serve.js';

interface Room {
  readonly name: string;
}
interface Credentials {
  readonly name: string;
  readonly password: string;
}
interface Tick {
  readonly price: number;
}
interface ChatMessage {
  readonly text: string;
}
const url = 'ws://localhost/';
let shown: () => void;
function show(value: unknown): void {
  console.log('show', JSON.stringify(value));
  shown();
}

@WebwireGateway({ path: '/chat' })
class ChatGateway {
  @WebwireRequest('rooms.create') create(@MessageBody() body: string) {
    return { name: (JSON.parse(body) as Room).name };
  }
  @WebwireSignal('typing') typing(@MessageBody() room: string, @ConnectedSocket() connection: WebwireConnection) {
    // The page adds its handler after its signal.
    if (room !== 'Lounge') connection.signal('message', { text: `somebody types in ${room}` });
  }
}

@WebwireGateway({ codec: jsonCodec })
class RoomsGateway {
  @WebwireRequest('rooms') rooms() {
    return [{ name: 'Lounge' }];
  }
}

const app = await serve({ providers: [ChatGateway, RoomsGateway] });
{
  const signal = new Promise<void>((resolve) => (shown = resolve));
  // block 3
  console.log(reply.json<Room>());
  await client.signal('typing', 'another room');
  await signal;
  stop();
  await client.close();
}
{
  const signal = new Promise<void>((resolve) => (shown = resolve));
  // block 4
  console.log(rooms[0]!.name);
  app.get(WebwireService).broadcast('message', { text: 'there are rooms' }, { gateway: RoomsGateway });
  await signal;
  await client.close();
}
await app.close();

// Prints:
// { name: 'Lounge' }
// show {"text":"somebody types in another room"}
// Lounge
// show {"text":"there are rooms"}
