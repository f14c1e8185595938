import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { openClients, type Client } from './client.js';
import { clientFrame } from './frames.js';
import type { LoadTarget } from './load.js';

/** Number of signals in one write. */
const SIGNALS_PER_WRITE = 64;

/** Time without progress of the server after which the flood may end, in milliseconds. */
const PATIENCE = 100;

/** One connection that sends signals as fast as the server reads them. */
export class Flood {
  #isStopping = false;
  readonly #sending: Promise<void>;

  private constructor(
    private readonly client: Client,
    signals: Buffer,
  ) {
    this.#sending = this.#send(signals);
  }

  static async start({ port, exchange }: LoadTarget): Promise<Flood> {
    const signal = clientFrame(exchange.signal, exchange.isText);
    const [client] = await openClients(port, exchange, 1);
    return new Flood(client!, Buffer.concat(Array.from({ length: SIGNALS_PER_WRITE }, () => signal)));
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#sending;
    this.client.close();
  }

  async #send(signals: Buffer): Promise<void> {
    const { socket } = this.client;
    while (!this.#isStopping) {
      if (!socket.write(signals)) await Promise.race([once(socket, 'drain'), delay(PATIENCE)]);
    }
  }
}
