import { Logger } from '@nestjs/common';
import { WebwireGateway, WebwireMessage, WebwireStream, type Message } from 'nestjs-webwire';
import type { Price } from '../../api/streams-api.js';
import { ActivityService } from '../activity/activity.service.js';
import { MarketService } from './market.service.js';

@WebwireGateway()
export class MarketGateway {
  private readonly logger = new Logger('Market');

  constructor(
    private readonly market: MarketService,
    private readonly activity: ActivityService,
  ) {}

  /** An async generator goes on only when the client takes more items; at most 64 are on their way to it. */
  @WebwireStream('prices')
  async *prices(@WebwireMessage() { abortSignal }: Message): AsyncGenerator<Price> {
    let taken = 0;
    try {
      for await (const price of this.market.follow(abortSignal)) {
        taken++;
        this.activity.taken++;
        yield price;
      }
    } finally {
      this.logger.log(`A client has taken ${taken} prices`);
    }
  }
}
