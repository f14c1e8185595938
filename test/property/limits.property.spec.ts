import assert from 'node:assert/strict';
import { MessageBody } from '@nestjs/websockets';
import {
  MemoryTransport,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireSignal,
  WebwireStream,
  type Message,
} from 'nestjs-webwire';
import { encodeMessage, MessageType } from 'nestjs-webwire/protocol';
import * as fc from 'fast-check';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { ContractClient } from '../contract/contract-client.js';
import { openMemorySocket } from '../contract/end.js';
import { TestApp } from '../support/test-app.js';

const WINDOW = 64;
/** Counts for each message in addition to its length, in bytes. */
const MESSAGE_OVERHEAD = 512;
/** What a client may send before the answer that contains the rest, in bytes. */
const FIRST_CREDIT = 65_536;

type Step =
  /** Sends several messages at once. */
  | { send: 'echo' | 'big' | 'gate' | 'watch' | 'endless' | 'signal' | 'wwr:ping'; count: number }
  | { stream: 'small items' | 'big items'; items: number }
  /** For the stream or request with this number, counted modulo, whether it has ended or not. */
  | { grant: number; count: number }
  | { cancel: number }
  /** Lets so many handlers end. */
  | { open: number }
  | 'pause'
  | 'resume'
  | 'turn';

const NUMBER = fc.nat({ max: 1_000 });

const STEP: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      send: fc.constantFrom('echo', 'big', 'gate', 'watch', 'endless', 'signal', 'wwr:ping'),
      count: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 60, max: 300 })),
    }),
  },
  { weight: 4, arbitrary: fc.record({ stream: fc.constantFrom('small items', 'big items'), items: fc.nat(200) }) },
  { weight: 4, arbitrary: fc.record({ grant: NUMBER, count: fc.integer({ min: 1, max: 100 }) }) },
  { weight: 4, arbitrary: fc.record({ cancel: NUMBER }) },
  { weight: 3, arbitrary: fc.record({ open: fc.integer({ min: 1, max: 50 }) }) },
  { weight: 5, arbitrary: fc.constantFrom<Step>('pause', 'resume', 'turn') },
);

@WebwireGateway()
class Gateway {
  running = 0;
  mostRunning = 0;
  streams = 0;
  mostStreams = 0;
  signals = 0;
  isOpen = false;
  readonly #gates = new Set<() => void>();

  @WebwireRequest('echo') echo(@MessageBody() body: string) {
    return body;
  }
  @WebwireRequest('big') async big() {
    return Buffer.alloc(1_000);
  }
  @WebwireRequest('gate') async gate() {
    await this.#run();
  }
  @WebwireRequest('watch') async watch(@WebwireMessage() { abortSignal }: Message) {
    await this.#run(abortSignal);
  }
  /** Ends only when it is canceled. */
  @WebwireRequest('endless') async endless(@WebwireMessage() { abortSignal }: Message) {
    this.mostRunning = Math.max(this.mostRunning, ++this.running);
    if (!abortSignal.aborted) await once(abortSignal, 'abort');
    this.running--;
  }
  @WebwireSignal('signal') async signal() {
    await this.#run();
    this.signals++;
  }
  @WebwireStream('small items') smallItems(@MessageBody() count: string) {
    return this.#items(Number(count), 10);
  }
  @WebwireStream('big items') bigItems(@MessageBody() count: string) {
    return this.#items(Number(count), 500);
  }

  open(count = Infinity) {
    for (const end of [...this.#gates].slice(0, count)) end();
  }

  async #run(abortSignal?: AbortSignal) {
    this.mostRunning = Math.max(this.mostRunning, ++this.running);
    if (!this.isOpen && !abortSignal?.aborted) {
      await new Promise<void>((resolve) => {
        const end = () => {
          this.#gates.delete(end);
          resolve();
        };
        this.#gates.add(end);
        abortSignal?.addEventListener('abort', end);
      });
    }
    this.running--;
  }

  async *#items(count: number, length: number) {
    this.mostStreams = Math.max(this.mostStreams, ++this.streams);
    try {
      for (let n = 0; n < count; n++) {
        if (n % 7 === 0) await nextTurn();
        yield String(n).padStart(length);
      }
    } finally {
      this.streams--;
    }
  }
}

/** One request or stream, as the client sees it. */
interface Exchange {
  readonly hex: string;
  readonly isEndless: boolean;
  items: number;
  granted: number;
  /** Items that were not granted again. */
  taken: number;
  replies: number;
}

/** A client that sends no more than the server allows. */
class Peer {
  readonly exchanges: Exchange[] = [];
  /** The messages that may not be sent yet, with the exchanges that they begin. */
  #held: { readonly message: Uint8Array; readonly exchange: Exchange | undefined }[] = [];
  #requests = 0;
  readonly #byHex = new Map<string, Exchange>();
  isTakingAll = false;
  signals = 0;

  constructor(
    private readonly client: ContractClient,
    private credit: number,
  ) {}

  get waiting(): number {
    return this.exchanges.filter(({ replies }) => replies === 0).length;
  }

  send(name: string, body: string) {
    const id = Buffer.alloc(8);
    id.writeUInt32LE(++this.#requests);
    const hex = id.toString('hex');
    const exchange = { hex, isEndless: name === 'endless', items: 0, granted: WINDOW, taken: 0, replies: 0 };
    this.exchanges.push(exchange);
    this.#byHex.set(hex, exchange);
    const message = encodeMessage({ type: MessageType.RequestUtf8, id, name, payload: Buffer.from(body) });
    if (name.startsWith('wwr:')) this.client.sendBytes(message);
    else this.#sendWithin(message, exchange);
  }

  signal(name: string, body: string) {
    this.#sendWithin(encodeMessage({ type: MessageType.SignalUtf8, name, payload: Buffer.from(body) }), undefined);
  }

  /** Gives up an exchange that was sent or is held. */
  cancel(exchange: Exchange) {
    const held = this.#held.findIndex((entry) => entry.exchange === exchange);
    if (held < 0) this.client.signal(`wwr:cancel:${exchange.hex}`, 'x');
    else {
      this.#held.splice(held, 1);
      exchange.replies++;
    }
    if (this.waiting === 0) this.settled();
  }

  #sendWithin(message: Uint8Array, exchange: Exchange | undefined) {
    this.#held.push({ message, exchange });
    this.#sendHeld();
  }

  #sendHeld() {
    while (this.credit > 0 && this.#held.length > 0) {
      const { message } = this.#held.shift()!;
      this.credit -= message.length + MESSAGE_OVERHEAD;
      this.client.sendBytes(message);
    }
  }

  grant(exchange: Exchange, count: number) {
    exchange.granted += count;
    this.client.signal(`wwr:more:${exchange.hex}`, String(count));
  }

  /** Reads until the connection ends, and checks each message. */
  async read() {
    for (;;) {
      const message = await this.client.next();
      if ('name' in message) {
        if (message.name === 'wwr:busy') continue;
        if (message.name === 'wwr:more') {
          this.credit += Number(Buffer.from(message.payload).toString());
          this.#sendHeld();
          continue;
        }
        const exchange = this.#byHex.get(message.name.slice('wwr:item:'.length))!;
        assert.equal(exchange.replies, 0);
        assert.equal(Number(Buffer.from(message.payload).toString()), exchange.items++);
        assert.ok(exchange.items <= exchange.granted, 'more items than granted');
        exchange.taken++;
        if (this.isTakingAll) this.take(exchange);
      } else if ('id' in message) {
        const exchange = this.#byHex.get(Buffer.from(message.id).toString('hex'))!;
        assert.equal(++exchange.replies, 1);
      }
      if (this.waiting === 0) this.settled();
    }
  }

  settled = () => {};

  take(exchange: Exchange) {
    if (exchange.taken === 0) return;
    this.grant(exchange, exchange.taken);
    exchange.taken = 0;
  }

  /** Takes all items from now on, and cancels what ends in no other way. @returns Resolves when every request and stream has ended. */
  takeAll(): Promise<void> {
    this.isTakingAll = true;
    const settled = new Promise<void>((resolve) => {
      this.settled = resolve;
      if (this.waiting === 0) resolve();
    });
    for (const exchange of this.exchanges) {
      this.take(exchange);
      if (exchange.isEndless && exchange.replies === 0) this.cancel(exchange);
    }
    return settled;
  }
}

async function perform(step: Step, peer: Peer, client: ContractClient, gateway: Gateway) {
  const { exchanges } = peer;
  if (step === 'pause') client.pause();
  else if (step === 'resume') client.resume();
  else if (step === 'turn') await nextTurn();
  else if ('send' in step) {
    for (let n = 0; n < step.count; n++) {
      if (step.send !== 'signal') peer.send(step.send, step.send === 'wwr:ping' ? '' : 'x');
      else {
        peer.signals++;
        peer.signal('signal', 'x');
      }
    }
  } else if ('stream' in step) peer.send(step.stream, String(step.items));
  else if ('open' in step) gateway.open(step.open);
  else if (exchanges.length === 0) return;
  else if ('cancel' in step) peer.cancel(exchanges[step.cancel % exchanges.length]!);
  else peer.grant(exchanges[step.grant % exchanges.length]!, step.count);
}

const RUN = fc.record({
  concurrencyLimit: fc.integer({ min: 1, max: 3 }),
  maxStreams: fc.integer({ min: 1, max: 3 }),
  maxBufferedAmount: fc.constantFrom(2_000, 20_000),
  steps: fc.array(STEP, { maxLength: 40, size: 'max' }),
  isShutDown: fc.boolean(),
});

it('every request and stream ends once, whatever the order of messages, limits, grants, cancellations and pauses', async () => {
  await fc.assert(
    fc.asyncProperty(RUN, async ({ steps, isShutDown, ...limits }) => {
      const transport = new MemoryTransport();
      const options = {
        sessions: false,
        transport,
        shutdownTimeout: 20_000,
        messageBufferSize: 1_100,
        ...limits,
      } as const;
      const app = await TestApp.start({ providers: [Gateway] }, options);
      const gateway = app.get(Gateway);
      const client = await ContractClient.connect((listener) => openMemorySocket(transport, listener));
      try {
        await client.nextBytes();
        const answer = await client.extend('stream', 'cancel', 'ping', 'flow');
        const { credit } = JSON.parse(answer.slice('utf8 '.length)) as { credit: number };
        const peer = new Peer(client, FIRST_CREDIT + credit);
        // A failed expectation has to end the run, while the end of the connection is expected.
        let failure: unknown;
        const reading = peer.read().catch((error: unknown) => {
          failure = error;
          peer.settled();
        });

        for (const step of steps) await perform(step, peer, client, gateway);

        const closing = isShutDown ? app.close() : undefined;
        gateway.isOpen = true;
        gateway.open();
        client.resume();
        await peer.takeAll();
        if (closing) {
          await closing;
          await reading;
          assert.match(String(failure), /ended with code 1001/);
        } else {
          if (failure) throw failure;
          // Messages are handled in order, so the signals before this request have been started.
          peer.send('echo', 'last');
          await peer.takeAll();
          if (failure) throw failure;
          while (gateway.running > 0 || gateway.streams > 0) await nextTurn();
          assert.equal(gateway.signals, peer.signals);
          assert.ok(
            peer.exchanges.every(({ replies }) => replies === 1),
            'a request without a reply',
          );
        }
        expect([gateway.running, gateway.streams]).toEqual([0, 0]);
        expect(gateway.mostRunning).toBeLessThanOrEqual(limits.concurrencyLimit);
        expect(gateway.mostStreams).toBeLessThanOrEqual(limits.maxStreams);
        expect(app.logger.at('error')).toEqual([]);
      } finally {
        client.terminate();
        await app.close();
      }
    }),
    { numRuns: process.env.CI ? 400 : 40, timeout: 30_000, interruptAfterTimeLimit: 30_000 },
  );
});
