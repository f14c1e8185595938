// docs/streams.md
import { MessageBody } from '@nestjs/websockets';
import { jsonCodec, WebwireMessage, WebwireRequest, WebwireStream, type Message } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';

declare function show(body: unknown): void;

class Gateway {
  private readonly market = {
    async *follow(symbols: string[]) {
      yield* symbols;
    },
  };
  private readonly archive = { urlOf: (text: string) => `http://archive/${text}` };

  // block 1

  // block 3
}

// block 2
