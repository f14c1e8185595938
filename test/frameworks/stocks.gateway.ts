import { MessageBody } from '@nestjs/websockets';
import {
  RequestError,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireService,
  WebwireStream,
  type Message,
} from 'nestjs-webwire';
import { Queue } from '../support/queue.js';
import type { Company, StocksApi, Tick } from './page/stocks-api.js';

/** The server of `docs/frameworks.md` and `docs/tanstack-query.md`. */
@WebwireGateway({ path: '/stocks' })
export class StocksGateway {
  /** What handlers begin and end, such as `open ACME`. */
  readonly events = new Queue<string>();
  readonly names = new Map([['ACME', 'Acme Corporation']]);
  /** Prices by symbol. */
  readonly prices = new Map([
    ['ACME', 1],
    ['INIT', 2],
  ]);
  #wake = () => {};
  #changed = this.#nextChange();

  constructor(private readonly webwire: WebwireService) {}

  @WebwireRequest('company')
  async company(
    @MessageBody('symbol') symbol: string,
    @WebwireMessage() { abortSignal }: Message,
  ): Promise<Company | undefined> {
    this.events.push(`ask ${symbol}`);
    if (symbol === 'NONE') throw new RequestError('NOT_FOUND', `there is no company ${symbol}`);
    const name = this.names.get(symbol);
    if (name !== undefined) return { symbol, name };
    // The client has to give up.
    await aborted(abortSignal);
    this.events.push(`cancel ${symbol}`);
    return undefined;
  }

  @WebwireRequest('rename')
  rename(@MessageBody() { symbol, name }: Company): void {
    this.names.set(symbol, name);
    this.send('companyChanged', { symbol });
  }

  @WebwireStream('ticks')
  async *ticks(
    @MessageBody('symbol') symbol: string,
    @WebwireMessage() { abortSignal }: Message,
  ): AsyncGenerator<Tick> {
    if (symbol === 'NONE') throw new RequestError('NOT_FOUND', `nobody trades ${symbol}`);
    this.events.push(`open ${symbol}`);
    try {
      for (;;) {
        const changed = this.#changed;
        yield { symbol, price: this.prices.get(symbol)! };
        await Promise.race([changed, aborted(abortSignal)]);
        // A return would end the stream, also for a client that should open it again after a restart.
        abortSignal.throwIfAborted();
      }
    } finally {
      this.events.push(`close ${symbol}`);
    }
  }

  setPrice(symbol: string, price: number): void {
    this.prices.set(symbol, price);
    const wake = this.#wake;
    this.#changed = this.#nextChange();
    wake();
  }

  /** Sends a signal to all clients. */
  send<Name extends keyof StocksApi['serverSignals']>(name: Name, body: StocksApi['serverSignals'][Name]): void {
    this.webwire.broadcast<string>(name, body);
  }

  #nextChange(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
