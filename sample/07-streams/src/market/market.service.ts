import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { EventEmitter, once } from 'node:events';
import type { Price } from '../../api/streams-api.js';
import { ActivityService } from '../activity/activity.service.js';

/** Time between two prices, in ms. */
const INTERVAL = 10;

/** Makes a hundred prices a second, whether anybody takes them or not. */
@Injectable()
export class MarketService implements OnModuleInit, OnModuleDestroy {
  private latest: Price = { number: 0, value: 100 };
  private readonly events = new EventEmitter<{ price: [] }>().setMaxListeners(0);
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly activity: ActivityService) {}

  onModuleInit(): void {
    this.timer = setInterval(() => this.makePrice(), INTERVAL);
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  /**
   * Gives the newest price each time it is asked for one. Prices that come while it is not asked are left out: nothing is kept
   * for those who are slow.
   * @param signal When it is aborted, the iteration fails with an `AbortError` instead of waiting for a price.
   */
  async *follow(signal: AbortSignal): AsyncGenerator<Price> {
    let { number } = this.latest;
    for (;;) {
      if (this.latest.number === number) await once(this.events, 'price', { signal });
      ({ number } = this.latest);
      yield this.latest;
    }
  }

  private makePrice(): void {
    const { number, value } = this.latest;
    const change = Math.round(Math.sin(number / 40) * 100) / 1_000;
    this.latest = { number: number + 1, value: Math.round((value + change) * 1_000) / 1_000 };
    this.activity.prices++;
    this.events.emit('price');
  }
}
