// docs/connections.md
// Alone: the page subscribes for good.
import { RequestError, WebwireRequest } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { serve } from './serve.js';

// block 3

@WebwireGateway()
class AuthGateway {
  @WebwireRequest('auth') async auth() {
    throw new RequestError('WRONG_CREDENTIALS');
  }
}

const app = await serve({ providers: [ConnectionLog, AuthGateway] });
const show = (line: string) => console.log(line.replace(/[0-9a-f-]{36}/, 'ID').trim());
Logger.overrideLogger({ log: show, warn: show, error: console.error });
const client = new WebwireClient('ws://localhost/');
await client.request('auth').catch(() => undefined);
await client.close();
const stranger = new WebSocket('ws://localhost/');
await new Promise((resolve) => {
  stranger.onopen = () => stranger.send(Uint8Array.of(255));
  stranger.onclose = resolve;
});
const lost = new WebwireClient('ws://localhost/elsewhere');
await lost.connect().catch(() => undefined);
await lost.close();
await app.close();

// Prints:
// ID of undefined came from undefined
// ID request AuthGateway.auth: refused WRONG_CREDENTIALS
// ID has ended: client-close
// ID of undefined came from undefined
// Connection ID (undefined) broke the protocol and is closed: unknown message type 255 (UNKNOWN_TYPE)
// ID broke the protocol: UNKNOWN_TYPE
// ID has ended: violation
// refused with 404: no WebWire server here
