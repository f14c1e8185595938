// docs/streams.md
import { Injectable } from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import { jsonCodec, WebwireStream } from 'nestjs-webwire';
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

  // block 1
}

@Injectable()
class Archive {
  urlOf(text: string): string {
    return `data:application/json,${encodeURIComponent(JSON.stringify([text]))}`;
  }
}

// block 3

const app = await serve({ providers: [Gateway, ArchiveGateway, Archive] });

// block 2

const plain = new WebwireClient('ws://localhost/');
console.log('found', (await plain.request('search', 'moth')).text());
await Promise.all([client.close(), plain.close()]);
await app.close();

// Prints:
// show { symbol: 'ACME', price: 5 }
// found ["moth"]
