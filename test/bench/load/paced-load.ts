import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { openClients, type Client } from './client.js';
import { Flood } from './flood.js';
import { FrameCounter } from './frame-counter.js';
import { clientFrame, serverFrame } from './frames.js';
import type { LoadTarget, RunningLoad } from './load.js';

/** Sends requests at a fixed rate, on one connection after the other, without waiting for replies. */
export async function startPaced(target: LoadTarget): Promise<RunningLoad> {
  const { port, exchange, connections, rate = 1_000, isFlooded } = target;
  const request = clientFrame(exchange.request, exchange.isText);
  const reply = serverFrame(exchange.reply, exchange.isText);
  const clients = await openClients(port, exchange, connections);
  await Promise.all(clients.map((client) => client.check(request, reply)));
  const flood = isFlooded ? await Flood.start(target) : undefined;
  const load = new PacedLoad(clients, request, reply, rate, flood);
  load.start();
  return load;
}

class PacedLoad implements RunningLoad {
  delivered = 0;
  #latencies: number[] = [];
  #sent = 0;
  #timer: NodeJS.Immediate | undefined;

  constructor(
    private readonly clients: readonly Client[],
    private readonly request: Buffer,
    private readonly reply: Buffer,
    private readonly rate: number,
    private readonly flood: Flood | undefined,
  ) {}

  start(): void {
    const waiting = this.clients.map((client) => {
      const sentAt: number[] = [];
      const counter = new FrameCounter(this.reply);
      client.onReceive = (bytes, length) => {
        const now = performance.now();
        for (let replies = counter.count(bytes, length); replies > 0; replies--) {
          this.#latencies.push(now - sentAt.shift()!);
          this.delivered++;
        }
      };
      return sentAt;
    });
    const begin = performance.now();
    // Timers have a resolution of 1 ms. A loop without sleeping is more precise.
    const send = () => {
      const now = performance.now();
      for (const due = ((now - begin) * this.rate) / 1000; this.#sent < due; this.#sent++) {
        const index = this.#sent % this.clients.length;
        waiting[index]!.push(now);
        this.clients[index]!.socket.write(this.request);
      }
      this.#timer = setImmediate(send);
    };
    send();
  }

  takeLatencies(): number[] {
    const latencies = this.#latencies;
    this.#latencies = [];
    return latencies;
  }

  async stop(): Promise<void> {
    clearImmediate(this.#timer);
    await this.flood?.stop();
    while (this.delivered < this.#sent) await delay(1);
    for (const client of this.clients) client.close();
  }
}
