// docs/client-connection.md
import { ConnectedSocket } from '@nestjs/websockets';
import {
  MemorySessionManager,
  WebwireConnection,
  WebwireGateway,
  WebwireRequest,
  WebwireService,
  type SessionRecord,
} from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { serve } from './serve.js';

/** A store that is away at times. */
class AwayManager extends MemorySessionManager {
  isAway = false;
  override onSessionLookup(key: string): SessionRecord | null {
    if (this.isAway) throw new Error('the store is away');
    return super.onSessionLookup(key);
  }
}

@WebwireGateway()
class Gateway {
  @WebwireRequest('signIn') async signIn(@ConnectedSocket() connection: WebwireConnection) {
    await connection.createSession({ user: 'ada' });
  }
  @WebwireRequest('signOut') async signOut(@ConnectedSocket() connection: WebwireConnection) {
    await connection.closeSession();
  }
}

const manager = new AwayManager();
const app = await serve({ providers: [Gateway] }, { sessions: { manager } });
app.useLogger(false);
const client = new WebwireClient('ws://localhost/');
await client.request('signIn');

let shown: (text: string) => void = () => undefined;
const next = () => new Promise<string>((resolve) => (shown = resolve));
let hasNotice = false;
function showNotice(text: string) {
  hasNotice = true;
  shown(text);
}
function hideNotice() {
  if (hasNotice) shown('back');
  hasNotice = false;
}
const showSignIn = (reason: string) => shown(`sign in: ${reason}`);

// block 7

manager.isAway = true;
const notice = next();
for (const connection of app.get(WebwireService).connections) void connection.close({ code: 4000 });
console.log(await notice);
const back = next();
manager.isAway = false;
console.log(await back, client.session?.info);
const signedOut = next();
await client.request('signOut');
console.log(await signedOut);
await client.close();
await app.close();

// Prints:
// Signing you in again …
// back { user: 'ada' }
// sign in: server
