// docs/authentication.md
import { createParamDecorator } from '@nestjs/common';
import { WebwireConnection, WebwireRequest } from 'nestjs-webwire';
import { createTestClient } from 'nestjs-webwire/testing';
import { serve } from './serve.js';

@Injectable()
class TokensService {
  async verify(token: string | undefined) {
    return token === 'of Ada' ? { id: '7', name: 'Ada', isTrial: true } : undefined;
  }
}

// block 1

// block 2

const app = await serve({ providers: [RoomsGateway, ProfileGateway, TokensService] });
const stranger = createTestClient(app);
const refusal: unknown = await stranger.connect().catch((error: unknown) => error);
console.log(refusal instanceof Error && /HTTP .*/.exec(refusal.message)![0]);
for (const options of [{ query: { token: 'of Ada' } }, { headers: { authorization: 'Bearer of Ada' } }]) {
  const client = createTestClient(app, options);
  await client.connect();
  console.log((await client.request('profile')).text());
}
await app.close();

// Prints:
// HTTP 401: "sign in first"
// the profile of Ada
// the profile of Ada
