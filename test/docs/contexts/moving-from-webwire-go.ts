// docs/moving-from-webwire-go.md
import { ConnectedSocket } from '@nestjs/websockets';
import { MemorySessionManager, WebwireConnection, WebwireGateway, WebwireRequest } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { serve } from './serve.js';

// block 1

const app = await serve({ providers: [AuthGateway] }, { sessions: { manager: new MemorySessionManager() } });
const client = new WebwireClient('ws://localhost/');
console.log((await client.request('auth')).text(), client.session?.info);
await client.close();
await app.close();

// Prints:
// welcome { user: 'ann' }
