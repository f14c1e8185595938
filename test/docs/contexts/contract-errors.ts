// docs/contracts.md
import { MessageBody } from '@nestjs/websockets';
import { WebwireGateway, WebwireRequest } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { defineContract } from 'nestjs-webwire/contract';
import { z } from 'zod';
import { chat } from './contract.js';
import { serve } from './serve.js';

const isTaken = false as boolean;

// block 4

// block 5

try {
  fail(chat.requests['rooms.create'], 'NAME_TAKEN', 'there is such a room');
} catch (error) {
  console.log(error instanceof RequestError && `${error.code}: ${error.message}`);
}
console.log(textOf(new RequestError('NAME_TAKEN')), textOf(new RequestError('FORBIDDEN')));

// block 6

@WebwireGateway()
class ShopGateway {
  @WebwireRequest(shop.requests.order)
  order(@MessageBody() { amount }: { amount: number }) {
    if (amount === 0) throw new RequestError('NOT_IN_THE_CONTRACT');
    return { ok: false as const, reason: 'OUT_OF_STOCK' as const, left: 2 };
  }
}

const app = await serve({ providers: [ShopGateway] });
const client = new WebwireClient('ws://localhost/', { contract: shop });

// block 7

const refusal: unknown = await client.request('order', { amount: 0 }).catch((error: unknown) => error);
console.log(refusal instanceof RequestError && refusal.code);
await client.close();
await app.close();

// Prints:
// NAME_TAKEN: there is such a room
// Please choose another name. Something went wrong.
// only 2 left
// NOT_IN_THE_CONTRACT
