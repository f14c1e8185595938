import { setTimeout as delay } from 'node:timers/promises';
import { openClients, type Client } from './client.js';
import { FrameCounter } from './frame-counter.js';
import { clientFrame, serverFrame } from './frames.js';
import type { LoadTarget, RunningLoad } from './load.js';

/** Number of messages for each reply in a load of signals: one request, and signals before it. */
const MESSAGES_PER_REPLY = 64;

/** Each connection keeps requests in flight. */
export function startRequests(target: LoadTarget): Promise<RunningLoad> {
  return start(target, 1);
}

/** Each connection sends signals, with a request after a number of them: its reply limits the signals in flight. */
export function startSignals(target: LoadTarget): Promise<RunningLoad> {
  return start(target, MESSAGES_PER_REPLY);
}

async function start({ port, exchange, connections, depth }: LoadTarget, messagesPerReply: number) {
  const signal = clientFrame(exchange.signal, exchange.isText);
  const signals = Array.from({ length: messagesPerReply - 1 }, () => signal);
  const request = Buffer.concat([...signals, clientFrame(exchange.request, exchange.isText)]);
  const reply = serverFrame(exchange.reply, exchange.isText);
  const clients = await openClients(port, exchange, connections);
  await Promise.all(clients.map((client) => client.check(request, reply)));
  const load = new RequestLoad(clients, request, reply, depth, messagesPerReply);
  load.start();
  return load;
}

class RequestLoad implements RunningLoad {
  delivered = 0;
  /** `depth` requests in one buffer, so that any number of them needs one write. */
  readonly #requests: Buffer;
  #isStopping = false;
  /** Number of replies that have not arrived yet. */
  #due = 0;

  constructor(
    private readonly clients: readonly Client[],
    private readonly request: Buffer,
    private readonly reply: Buffer,
    private readonly depth: number,
    private readonly messagesPerReply: number,
  ) {
    this.#requests = Buffer.concat(Array.from({ length: depth }, () => request));
  }

  start(): void {
    const { request, reply, depth } = this;
    for (const client of this.clients) {
      const counter = new FrameCounter(reply);
      client.onReceive = (bytes, length) => {
        const replies = counter.count(bytes, length);
        this.delivered += replies * this.messagesPerReply;
        if (this.#isStopping) this.#due -= replies;
        else if (replies > 0) client.socket.write(this.#requests.subarray(0, replies * request.length));
      };
      client.socket.write(this.#requests);
    }
    this.#due = this.clients.length * depth;
  }

  takeLatencies(): number[] {
    return [];
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    while (this.#due > 0) await delay(1);
    for (const client of this.clients) client.close();
  }
}
