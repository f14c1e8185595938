// docs/client-connection.md
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { WebwireConnection, WebwireGateway, WebwireRequest } from 'nestjs-webwire';
import { DisconnectedError, WebwireClient } from 'nestjs-webwire/client';
import { serve } from './serve.js';

const url = 'ws://localhost/chat?token=old';
let refused: () => void;
function showSignIn(reason: string): void {
  console.log('sign in:', reason);
  refused();
}
async function freshToken(): Promise<string> {
  return 'fresh';
}

@WebwireGateway({ path: '/chat' })
class Gateway {
  private readonly tokens = { verify: async (token: string | null) => token !== 'old' };

  // block 2

  @WebwireRequest('whoami') whoami() {
    return 'Ada';
  }
  @WebwireRequest('signIn') signIn(@MessageBody() token: string, @ConnectedSocket() connection: WebwireConnection) {
    connection.info.token = token;
  }
  @WebwireRequest('rooms.join') join(@MessageBody() room: string, @ConnectedSocket() connection: WebwireConnection) {
    connection.info.room = room;
  }
  @WebwireRequest('status') status(@ConnectedSocket() connection: WebwireConnection) {
    return `${connection.info.token} in ${connection.info.room}`;
  }
}

const app = await serve({ providers: [Gateway] });
{
  // block 1
  console.log((await client.request('whoami')).text());
  await client.close();
  await worker.close();
}
{
  const client = new WebwireClient(url);
  const shown = new Promise<void>((resolve) => (refused = resolve));

  // block 3
  client.connect().catch(() => undefined);
  await shown;
  await client.close();
}
{
  // block 4
  const error: unknown = await client.connect().catch((failure: unknown) => failure);
  console.log(error instanceof DisconnectedError && error.closeCode);
  await client.close();
}
{
  // block 5
  console.log((await client.request('status')).text());
  await client.close();
}
await app.close();

// Prints:
// Ada
// sign in: token expired
// 4401
// fresh in lounge
