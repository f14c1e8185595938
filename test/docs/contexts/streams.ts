// docs/streams.md
import { MessageBody } from '@nestjs/websockets';
import { jsonCodec, WebwireGateway, WebwireMessage, WebwireRequest, WebwireStream, type Message } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { serve } from './serve.js';

const show = (body: unknown) => console.log('show', body);

@WebwireGateway({ codec: jsonCodec })
class Gateway {
  private readonly market = {
    async *follow(symbols: string[]) {
      for (const symbol of symbols) yield { symbol, price: 5 };
    },
  };
  private readonly archive = {
    urlOf: (text: string) => `data:application/json,${encodeURIComponent(JSON.stringify([text]))}`,
  };

  // block 1

  // block 3
}

const app = await serve({ providers: [Gateway] });

// block 2

console.log('found', (await client.request('search', 'moth')).body);
await client.close();
await app.close();

// Prints:
// show { symbol: 'ACME', price: 5 }
// found [ 'moth' ]
