import { setTimeout as delay } from 'node:timers/promises';
import { openClients, type Client } from './client.js';
import { FrameCounter } from './frame-counter.js';
import { clientFrame, serverFrame } from './frames.js';
import type { LoadTarget, RunningLoad } from './load.js';

/** Number of `go` messages in flight, so that the server does not wait for the clients. */
const GOES_AHEAD = 3;

/** All connections receive news; one of them requests more when all have received them. */
export async function startNews({ port, exchange, connections, depth }: LoadTarget): Promise<RunningLoad> {
  const clients = await openClients(port, exchange, connections);
  const go = clientFrame(exchange.go, exchange.isText);
  const load = new NewsLoad(clients, go, connections * depth);
  load.start(serverFrame(exchange.news, exchange.isText));
  return load;
}

class NewsLoad implements RunningLoad {
  delivered = 0;
  #asked = 0;
  #isStopping = false;

  constructor(
    private readonly clients: readonly Client[],
    private readonly go: Buffer,
    private readonly newsPerGo: number,
  ) {}

  start(news: Buffer): void {
    for (const client of this.clients) {
      const counter = new FrameCounter(news);
      client.onReceive = (bytes, length) => {
        this.delivered += counter.count(bytes, length);
        this.#ask();
      };
    }
    this.#ask();
  }

  takeLatencies(): number[] {
    return [];
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    while (this.delivered < this.#asked) await delay(1);
    for (const client of this.clients) client.close();
  }

  #ask(): void {
    while (!this.#isStopping && this.#asked - this.delivered <= (GOES_AHEAD - 1) * this.newsPerGo) {
      this.#asked += this.newsPerGo;
      this.clients[0]!.socket.write(this.go);
    }
  }
}
