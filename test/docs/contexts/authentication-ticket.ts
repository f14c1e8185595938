// docs/authentication.md
import { ConnectedSocket } from '@nestjs/websockets';
import { WebwireConnection, WebwireRequest } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import type { AddressInfo } from 'node:net';
import { serve } from './serve.js';

@Injectable()
class BearerGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    const request = context.switchToHttp().getRequest<IncomingMessage & { user: string }>();
    request.user = request.headers.authorization!.replace('Bearer of ', '');
    return true;
  }
}
const freshToken = async () => 'of Ada';
/** Called instead of waiting. */
const expirations: (() => void)[] = [];
const setTimeout = (expire: () => void, _delay: number) => ({ unref: () => void expirations.push(expire) });

// block 3

/** The handlers of the gateway, which the page leaves out. */
@WebwireGateway({ path: '/chat' })
class AccountGateway {
  @WebwireRequest('whoami') whoami(@ConnectedSocket() { info, request }: WebwireConnection) {
    return `${info.user} with ${request.url.replace(/=.{43}$/, '=…')}`;
  }
}

const app = await serve({
  controllers: [TicketController],
  providers: [Tickets, TicketGuard, BearerGuard, ChatGateway, AccountGateway],
});
await app.listen(0);
const { port } = app.getHttpServer().address() as AddressInfo;
const { fetch: fetchAnywhere } = globalThis;
globalThis.fetch = (url, init) =>
  fetchAnywhere((url as string).replace('https://example.com', `http://localhost:${port}`), init);

// block 4

console.log((await client.request('whoami')).text());
await client.close();
const stranger = new WebwireClient('wss://example.com/chat?ticket=used');
console.log(await stranger.connect().catch((error: unknown) => 'refused' + (error as { status?: number }).status));
await stranger.close();
const late = app.get(Tickets).issue('Ada');
for (const expire of expirations) expire();
console.log(app.get(Tickets).redeem(late));
globalThis.fetch = fetchAnywhere;
await app.close();

// Prints:
// Ada with /chat?ticket=…
// refused403
// undefined
