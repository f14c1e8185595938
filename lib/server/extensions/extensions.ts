import { setImmediate } from 'node:timers/promises';
import type { ServerLogger } from '../../common/logger.js';
import { RequestError } from '../../protocol/errors.js';
import {
  CANCEL_PREFIX,
  FIRST_CREDIT,
  identifierIn,
  MORE_PREFIX,
  readCount,
  readExtensions,
  STREAM_WINDOW,
  type ExtensionName,
} from '../../protocol/extensions.js';
import { Payload } from '../../protocol/index.js';
import { keyFromHex, Message, type RequestKey } from '../message.js';
import type { Outbox } from '../outbox.js';
import { BusySignals } from './busy-signals.js';
import { ItemBuffer } from './item-buffer.js';
import { MessageWindow, messageWindow, type MessageWindowLimits } from './message-window.js';
import { OutgoingStream } from './outgoing-stream.js';
import { RequestsByKey } from './requests-by-key.js';
import { TraceReceiver } from './trace-receiver.js';

const NAMES: readonly ExtensionName[] = ['stream', 'cancel', 'ping', 'trace', 'flow'];

/** Limits of one connection. */
export interface ExtensionLimits extends MessageWindowLimits {
  readonly maxStreams: number;
}

/** Removes a request that waits for its handler; returns `undefined` if none waits under this key. */
type TakeWaiting = (key: RequestKey) => Message | undefined;

/** The error of a request that the client has given up. */
const canceled = () => new RequestError('CANCELED', 'the client has given the request up');

/** The extensions of one connection whose client has asked for some (docs/PROTOCOL.md, section 11). */
export class Extensions {
  /** The reply to the client's question. */
  readonly answer: Payload;
  /** Reports that many messages wait; `undefined` without the extension `ping`. */
  readonly busySignals: BusySignals | undefined;
  /** Takes trace contexts; `undefined` without the extension `trace`. */
  readonly traces: TraceReceiver | undefined;
  /** Bounds the messages that wait; `undefined` without the extension `flow`. */
  readonly window: MessageWindow | undefined;
  /** While messages of more bytes wait, the connection is not read. Clients with the extension `flow` do not send so many. */
  readonly waitingLimit: number;
  readonly #names: readonly ExtensionName[];
  /** The requests whose handlers run. */
  readonly #requests = new RequestsByKey();
  readonly #streams = new Map<Message, OutgoingStream>();
  readonly #itemBuffer: ItemBuffer;
  #isAborting = false;
  /** Sends the reply to streams that are opened although all were ended. */
  #replyToEnded: ((message: Message) => void) | undefined;

  /**
   * @param waiting Size of the messages that wait and were sent before the client asked, in bytes.
   * @param requests The requests whose handlers were started before the client asked, and still run.
   */
  constructor(
    asked: readonly unknown[],
    private readonly limits: ExtensionLimits,
    private readonly outbox: Outbox,
    private readonly logger: ServerLogger,
    waiting: number,
    requests: Iterable<Message> = [],
  ) {
    const size = messageWindow(limits);
    this.#names = NAMES.filter((name) => asked.includes(name));
    const windows = { streamWindow: STREAM_WINDOW, ...(this.has('flow') && { credit: size - FIRST_CREDIT }) };
    this.answer = Payload.utf8(JSON.stringify({ extensions: this.#names, ...windows }));
    this.waitingLimit = waiting + 2 * size;
    if (this.has('flow')) this.window = new MessageWindow(size, waiting, outbox);
    this.#itemBuffer = new ItemBuffer(limits.maxBufferedAmount);
    if (this.has('ping')) this.busySignals = new BusySignals(outbox);
    if (this.has('trace')) this.traces = new TraceReceiver();
    for (const message of requests) this.started(message);
  }

  /** @returns `undefined` for a payload that is not a question. */
  static read(payload: Payload): readonly unknown[] | undefined {
    return readExtensions(payload.text())?.extensions;
  }

  /** The number of streams whose source has not stopped. */
  get openStreams(): number {
    return this.#streams.size;
  }

  has(name: ExtensionName): boolean {
    return this.#names.includes(name);
  }

  /** The handler of a request has started, and has not ended yet. */
  started(message: Message): void {
    if (this.has('cancel')) this.#requests.add(message);
  }

  /** The handler of a request has ended, or its result will be dropped. */
  ended(message: Message): void {
    this.#requests.remove(message);
  }

  /**
   * Opens a stream. If there are too many, but one of them is over, its source gets a turn of the event loop to stop: a client
   * that leaves a stream opens the next one at once.
   * @throws RequestError, or rejects with it, if the client has not asked for streams, or has too many.
   */
  openStream(message: Message): OutgoingStream | Promise<OutgoingStream> {
    if (!this.has('stream')) throw extensionRequired();
    if (this.#hasRoom || ![...this.#streams.values()].some(({ isOver }) => isOver)) {
      const stream = this.#open(message);
      if (!stream.isOver) this.#requests.add(message);
      return stream;
    }
    this.#requests.add(message);
    return setImmediate().then(() => this.#open(message));
  }

  get #hasRoom(): boolean {
    return this.#streams.size < this.limits.maxStreams;
  }

  #open(message: Message): OutgoingStream {
    const { maxStreams } = this.limits;
    if (!this.#hasRoom) {
      throw new RequestError('TOO_MANY_STREAMS', `a connection may have ${maxStreams} streams at once`);
    }
    const free = () => this.#streams.delete(message);
    const stream = new OutgoingStream(message, this.outbox, this.#itemBuffer, this.logger, free);
    if (stream.isOver) return stream;
    this.#streams.set(message, stream);
    if (this.#isAborting) stream.abort();
    if (this.#replyToEnded) this.#giveUp(message, this.#replyToEnded);
    return stream;
  }

  /**
   * Handles a signal with a reserved name. Others than those that belong to a request in progress are dropped.
   * @returns True if a client that keeps to the protocol can send no more of them than it has requests, and gets items.
   */
  receiveSignal({ name, payload }: Message, takeWaiting: TakeWaiting): boolean {
    const granted = this.has('stream') ? identifierIn(name, MORE_PREFIX) : undefined;
    if (granted !== undefined) return this.#grant(keyFromHex(granted), payload);
    const givenUp = this.has('cancel') ? identifierIn(name, CANCEL_PREFIX) : undefined;
    if (givenUp !== undefined) return this.#cancel(keyFromHex(givenUp), takeWaiting);
    this.traces?.receive(name, payload);
    return false;
  }

  /** Data that waited to be written has been written. */
  drained(): void {
    this.busySignals?.drained();
    for (const stream of this.#streams.values()) stream.flush();
  }

  /** Aborts the signals of all streams, so that they may end by themselves. */
  abortStreams(): void {
    this.#isAborting = true;
    for (const stream of this.#streams.values()) stream.abort();
  }

  /** Ends all streams. @param reply Sends the reply to each of them. */
  endStreams(reply: (message: Message) => void): void {
    this.#replyToEnded = reply;
    for (const message of this.#streams.keys()) this.#giveUp(message, reply);
  }

  /** Sends the reply to a request that the client has given up. */
  readonly #replyCanceled = (message: Message): void => {
    message.outcomeListener?.settle('canceled');
    this.outbox.fail(message, canceled());
  };

  /** @returns True if items were sent that were not granted again, of any stream: grants may come after their stream has ended. */
  #grant(key: RequestKey, payload: Payload): boolean {
    const message = this.#requests.last(key);
    const stream = message && this.#streams.get(message);
    const count = payload.encoding === 'utf8' && payload.bytes.length < 10 ? readCount(payload.text()) : undefined;
    if (count === undefined) return false;
    stream?.grant(count);
    return this.#itemBuffer.granted(count);
  }

  /** @returns True if there was a request to cancel. */
  #cancel(key: RequestKey, takeWaiting: TakeWaiting): boolean {
    // Those that wait were sent after those that run.
    const waiting = takeWaiting(key);
    if (waiting) {
      this.#replyCanceled(waiting);
      return true;
    }
    const running = this.#requests.last(key);
    if (running) this.#giveUp(running, this.#replyCanceled);
    return running !== undefined;
  }

  /** Answers a request although its handler runs. */
  #giveUp(message: Message, reply: (message: Message) => void): void {
    this.ended(message);
    if (message.isAnswered) return;
    reply(message);
    message.giveUp();
  }
}

export function extensionRequired(): RequestError {
  return new RequestError('EXTENSION_REQUIRED', 'the reply is a stream: ask for the extension "stream" first');
}
