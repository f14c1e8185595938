import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';

/** Time that storing an order takes, in ms. */
const TIME = 500;

/** A slow store, in place of a database. */
@Injectable()
export class OrdersService implements OnApplicationShutdown {
  readonly #logger = new Logger('Orders');
  #stored = 0;

  async store(_order: string): Promise<void> {
    // Counted first, so that an order that nobody gets a confirmation of is counted, too.
    this.#stored++;
    await delay(TIME);
  }

  /** Runs when all handlers have ended and all connections are closed. */
  onApplicationShutdown(): void {
    this.#logger.log(`Stored ${this.#stored} orders`);
  }
}
