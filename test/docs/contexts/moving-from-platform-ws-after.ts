// docs/moving-from-platform-ws.md
import { Module } from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import { jsonCodec, WebwireGateway, WebwireRequest, WebwireService } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { serve } from './serve.js';

/** `serve()` has the module already, with its transport. */
const WebwireModule = { forRoot: () => ({ module: class {} }) };

// block 2

const app = await serve({ providers: [ChatGateway] });
const client = new WebwireClient('ws://localhost/', { codec: jsonCodec });
client.onSignal('said', ({ body }) => console.log('said:', body));
console.log('reply:', (await client.request('say', 'Hello')).body);
await client.close();
await app.close();

// Prints:
// said: Hello
// reply: ok
