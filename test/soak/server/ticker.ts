import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { WebwireService } from 'nestjs-webwire';
import { GROUPS } from '../wire.js';
import { Ledger } from './ledger.js';

/** Interval of the signals to clients, in milliseconds. */
const INTERVAL = 1_000;

/** Sends numbered signals at intervals: to each connection, to all at once, and to groups. */
@Injectable()
export class Ticker implements OnApplicationBootstrap, OnModuleDestroy {
  #timer: NodeJS.Timeout | undefined;
  #news = 0;

  constructor(
    private readonly ledger: Ledger,
    private readonly webwire: WebwireService,
  ) {}

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => this.#tick(), INTERVAL);
  }

  onModuleDestroy(): void {
    clearInterval(this.#timer);
    this.ledger.destroy();
  }

  #tick(): void {
    for (const connection of this.webwire.connections) {
      const { info } = connection;
      const tick = ((info.ticks as number | undefined) ?? 0) + 1;
      if (connection.signal('tick', String(tick))) info.ticks = tick;
    }
    this.webwire.broadcast('news', String(++this.#news));
    for (const group of GROUPS) this.webwire.signalGroup(group, 'group', group);
  }
}
