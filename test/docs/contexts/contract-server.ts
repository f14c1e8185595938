// docs/contracts.md
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { WebwireConnection, WebwireGateway, WebwireRequest, WebwireSignal, WebwireStream } from 'nestjs-webwire';
import { chat } from './contract.js';

declare class RoomsService {
  create(name: string, size: number): Promise<{ id: number; name: string }>;
}
declare class MarketService {
  follow(symbols: string[]): AsyncIterable<{ symbol: string; price: number }>;
}

// block 2
