// docs/client-connection.md
import { ServiceUnavailableException, UnauthorizedException } from '@nestjs/common';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { RequestError, WebwireRequest } from 'nestjs-webwire';
import { DisconnectedError, WebwireClient } from 'nestjs-webwire/client';
import { serve } from './serve.js';

let refused: () => void;
function showSignIn(reason: string): void {
  console.log(reason);
  refused();
}
/** The next tokens. */
const tokens: string[] = [];
async function freshToken(): Promise<string> {
  return tokens.shift() ?? 'fresh';
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

interface Claims {
  readonly user: string;
  readonly expiresAt: number;
}
let lifetime = 60_000;
@Injectable()
class TokensService {
  async verify(token: string | null): Promise<Claims | undefined> {
    return token === 'fresh' ? { user: 'Ada', expiresAt: Date.now() + lifetime } : undefined;
  }
}

// block 2

@UseHandshakeGuards(TokenGuard)
@WebwireGateway({ path: '/chat' })
class RenewingGateway extends ChatGateway {
  constructor(private readonly tokens: TokensService) {
    super();
  }

  // block 3

  @WebwireRequest('whoami') whoami(@ConnectedSocket() connection: WebwireConnection) {
    return (connection.info.claims as Claims).user;
  }
}

/** Lets clients connect without a token. */
@WebwireGateway({ path: '/chat' })
class SignInGateway {
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

let app = await serve({ providers: [RenewingGateway, TokensService, TokenReader, TokenGuard] });
{
  // block 1
  const refusal: unknown = await client.request('renew', 'old').catch((error: unknown) => error);
  console.log(refusal instanceof Error && refusal.message);

  // The token of each further connection expires at once, and that of the last one does not.
  const connected = (event: { isReconnect: boolean }) => console.log('connected:', event);
  client.on('connected', connected);
  lifetime = 0;
  const lost = new Promise<string>((resolve) => client.on('disconnected', ({ reason }) => resolve(reason)));
  await client.request('renew', await freshToken());
  console.log(await lost);
  lifetime = 60_000;
  console.log((await client.request('whoami')).text());
  await client.disconnect();
  await client.connect();
  await client.close();
  tokens.push('busy', 'expired');
  const error: unknown = await worker.connect({ retry: true }).catch((failure: unknown) => failure);
  console.log(error instanceof DisconnectedError && error.status);
  await worker.close();
}
{
  const client = new WebwireClient('ws://localhost/chat?token=old');
  const shown = new Promise<void>((resolve) => (refused = resolve));

  // block 4
  client.connect().catch(() => undefined);
  await shown;
  await client.close();
}
for (const token of ['old', 'fresh']) {
  const url = `ws://localhost/chat?token=${token}`;
  // block 5
  const error: unknown = await client.connect().catch((failure: unknown) => failure);
  console.log(error instanceof DisconnectedError ? error.closeCode : client.status);
  await client.close();
}
await app.close();
app = await serve({ providers: [SignInGateway] });
{
  // block 6
  console.log((await client.request('status')).text());
  await client.close();
}
await app.close();

// Prints:
// the token is invalid, or of another user
// token expired
// connected: { isReconnect: true, isSessionRestored: false }
// Ada
// connected: { isReconnect: false, isSessionRestored: false }
// Bearer busy
// Bearer expired
// 401
// sign in
// 4401
// connected
// fresh in lounge
