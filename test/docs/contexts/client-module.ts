// docs/client-module.md
import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { MessageBody } from '@nestjs/websockets';
import { WebwireGateway, WebwireRequest } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { getWebwireClientToken } from 'nestjs-webwire/client-module';
import { serve } from './serve.js';

interface PricesApi {
  requests: { price: [article: string, reply: number] };
}

// block 1

@WebwireGateway()
class PricesGateway {
  @WebwireRequest('price') price(@MessageBody() article: string) {
    return article.length;
  }
}

const server = await serve({ providers: [PricesGateway] });
// As the page says for tests: a client within this process, as there is no host with the name `prices`.
const shop = await Test.createTestingModule({ imports: [ShopModule] })
  .overrideProvider(getWebwireClientToken('prices'))
  .useValue(new WebwireClient<PricesApi>('ws://prices:3000'))
  .compile();
await shop.init();
console.log('a pear:', await shop.get(PricesService).priceOf('pear'));
await shop.get<WebwireClient>(getWebwireClientToken('prices')).close();
await shop.close();
await server.close();

// Prints:
// a pear: 4
