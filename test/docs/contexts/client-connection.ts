// docs/client-connection.md
import { CanActivate, ExecutionContext, ServiceUnavailableException, UnauthorizedException } from '@nestjs/common';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { Handshake, UseHandshakeGuards, WebwireConnection, WebwireGateway, WebwireRequest } from 'nestjs-webwire';
import { DisconnectedError, WebwireClient } from 'nestjs-webwire/client';
import { serve } from './serve.js';

let refused: () => void;
function showSignIn(reason: string): void {
  console.log('sign in:', reason);
  refused();
}
let attempts = 0;
async function freshToken(): Promise<string> {
  return ['fresh', 'busy', 'expired'][attempts++] ?? 'fresh';
}

/** Refuses tokens in headers: of some with a status after which another attempt may succeed. */
class TokenGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    const { authorization } = context.switchToHttp().getRequest<{ headers: { authorization?: string } }>().headers;
    if (authorization) console.log(authorization);
    if (authorization === 'Bearer busy') throw new ServiceUnavailableException();
    if (authorization === 'Bearer expired') throw new UnauthorizedException();
    return true;
  }
}

@UseHandshakeGuards(TokenGuard)
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

const app = await serve({ providers: [Gateway, TokenGuard] });
{
  // block 1
  console.log((await client.request('whoami')).text());
  await client.close();
  const error: unknown = await worker.connect({ retry: true }).catch((failure: unknown) => failure);
  console.log(error instanceof DisconnectedError && error.status);
  await worker.close();
}
{
  const client = new WebwireClient('ws://localhost/chat?token=old');
  const shown = new Promise<void>((resolve) => (refused = resolve));

  // block 3
  client.connect().catch(() => undefined);
  await shown;
  await client.close();
}
for (const token of ['old', 'new']) {
  const url = `ws://localhost/chat?token=${token}`;
  // block 4
  const error: unknown = await client.connect().catch((failure: unknown) => failure);
  console.log(error instanceof DisconnectedError ? error.closeCode : client.status);
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
// Bearer busy
// Bearer expired
// 401
// sign in: token expired
// 4401
// connected
// fresh in lounge
