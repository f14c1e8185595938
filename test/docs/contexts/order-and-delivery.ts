// docs/connections.md
import { Injectable } from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import { jsonCodec, WebwireGateway, WebwireRequest } from 'nestjs-webwire';
import { DisconnectedError, isTimeout, ServerShutdownError, WebwireClient } from 'nestjs-webwire/client';
import { serve } from './serve.js';

interface Order {
  readonly key: string;
  readonly article: string;
}

/** The connection is lost when the first order is stored, before its reply. */
@Injectable()
class OrdersService {
  readonly stored = new Map<string, { readonly number: number; readonly article: string }>();
  attempts = 0;

  async insertOnce(key: string, article: string) {
    this.attempts++;
    const before = this.stored.get(key);
    if (before) return before;
    const order = { number: this.stored.size + 1, article };
    this.stored.set(key, order);
    const ended = client.disconnect();
    void client.connect();
    await ended;
    return order;
  }
}

@WebwireGateway({ codec: jsonCodec })
class OrdersGateway {
  constructor(private readonly orders: OrdersService) {}

  // block 1
}

const app = await serve({ providers: [OrdersGateway, OrdersService] });
const client = new WebwireClient('ws://localhost/', { codec: jsonCodec });

// block 2

console.log((await placeOrder('a moth')).body);
const { attempts, stored } = app.get(OrdersService);
console.log('attempts:', attempts, 'orders:', stored.size);
await client.close();
await app.close();

// Prints:
// { number: 1, article: 'a moth' }
// attempts: 2 orders: 1
