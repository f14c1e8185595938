// docs/contracts.md
import { Injectable } from '@nestjs/common';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { WebwireConnection, WebwireGateway, WebwireRequest, WebwireSignal, WebwireStream } from 'nestjs-webwire';
import { chat } from './contract.js';
import { serve } from './serve.js';

@Injectable()
class RoomsService {
  async create(name: string, size: number) {
    return { id: 100 + size, name, secret: 'not in the contract' };
  }
}
@Injectable()
class MarketService {
  async *follow(symbols: string[]) {
    for (const symbol of symbols) yield { symbol, price: 5 };
  }
}

// block 2

export const app = await serve({ providers: [ChatGateway, RoomsService, MarketService] }, { contract: chat });
