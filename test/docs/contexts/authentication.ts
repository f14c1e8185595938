// docs/authentication.md
import { ConnectedSocket } from '@nestjs/websockets';
import { WebwireConnection, WebwireRequest } from 'nestjs-webwire';
import { createTestClient } from 'nestjs-webwire/testing';
import { serve } from './serve.js';

@Injectable()
class TokensService {
  async verify(token: string | undefined) {
    return token === 'of Ada' ? { name: 'Ada', isTrial: true } : undefined;
  }
}

// block 1

/** The handlers of the gateway, which the page leaves out. */
@WebwireGateway()
class AccountGateway {
  @WebwireRequest('whoami') whoami(@ConnectedSocket() { info }: WebwireConnection) {
    return (info as { user: string }).user;
  }
}

const app = await serve({ providers: [RoomsGateway, AccountGateway, TokensService] });
const stranger = createTestClient(app);
const refusal: unknown = await stranger.connect().catch((error: unknown) => error);
console.log(refusal instanceof Error && /HTTP .*/.exec(refusal.message)![0]);
for (const options of [{ query: { token: 'of Ada' } }, { headers: { authorization: 'Bearer of Ada' } }]) {
  const client = createTestClient(app, options);
  await client.connect();
  console.log((await client.request('whoami')).text());
}
await app.close();

// Prints:
// HTTP 401: "sign in first"
// Ada
// Ada
