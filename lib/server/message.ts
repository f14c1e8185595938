import { Buffer } from 'node:buffer';
import {
  encodingOf,
  IDENTIFIER_LENGTH,
  Payload,
  type PayloadEncoding,
  type RequestType,
  type SignalType,
} from '../protocol/index.js';
import { readName } from '../protocol/ascii.js';
import {
  ID_START,
  isRequestType,
  payloadStartAfter,
  readInt32,
  readNameEnd,
  REQUEST_NAME_START,
  SIGNAL_NAME_START,
  view,
  writeInt32,
} from '../protocol/layout.js';
import type { AsyncScope } from './async-scope.js';
import type { ConnectionLifetime } from './connection-lifetime.js';
import type { TraceContext } from '../protocol/extensions.js';
import type { Demand } from './extensions/demand.js';
import { MessageLifetime } from './message-lifetime.js';
import type { OutcomeListener } from './tracing/outcome.js';

/** The identifier of a request as the key of a map: a number for most clients, as they count from 1, and numbers need no memory. */
export type RequestKey = number | string;

/** A request or a signal from a client. Handlers get it with `@WebwireMessage()`. */
export class Message {
  /** Name of the request or signal; may be empty. */
  readonly name: string;
  /** True for a request, false for a signal. @internal */
  readonly isRequest: boolean;
  /** The index that `OrderedRequests` sets. @internal */
  place = -1;
  /** The identifier as two numbers, as copying them is faster than copying bytes. */
  readonly #firstHalf: number = 0;
  readonly #secondHalf: number = 0;
  readonly #connection: ConnectionLifetime;
  #lifetime: MessageLifetime | undefined = undefined;
  readonly #encoding: PayloadEncoding;
  #bytes: Uint8Array;
  #payloadStart: number;
  #end: number;
  /** Made on first use, as the default codec reads the body without it. */
  #payload: Payload | undefined;

  /**
   * Reads the message at `start` to `end` of received bytes.
   * @throws ProtocolError if the name, or the length of a UTF-16 payload, breaks the protocol.
   * @internal
   */
  constructor(
    type: RequestType | SignalType,
    bytes: Uint8Array,
    start: number,
    end: number,
    connection: ConnectionLifetime,
  ) {
    const isRequest = isRequestType(type);
    const encoding = encodingOf(type);
    const isUtf16 = encoding === 'utf16';
    const nameStart = start + (isRequest ? REQUEST_NAME_START : SIGNAL_NAME_START);
    const nameEnd = readNameEnd(bytes, nameStart, isUtf16, start, end);
    this.name = readName(bytes, nameStart, nameEnd, start);
    this.#encoding = encoding;
    this.#bytes = bytes;
    this.#payloadStart = payloadStartAfter(nameEnd, isUtf16, start);
    this.#end = end;
    this.isRequest = isRequest;
    if (isRequest) {
      this.#firstHalf = readInt32(bytes, start + ID_START);
      this.#secondHalf = readInt32(bytes, start + ID_START + HALF);
    }
    this.#connection = connection;
  }

  /** The content: a view of the received bytes, which stay unchanged while they are referenced. */
  get payload(): Payload {
    this.#payload ??= new Payload(this.#encoding, view(this.#bytes, this.#payloadStart, this.#end));
    return this.#payload;
  }

  /** The body that `plainCodec` makes of the payload, with a `Buffer` for bytes. It takes no other view of them. @internal */
  get plainBody(): Buffer | string {
    const bytes = this.#bytes;
    if (this.#encoding === 'binary') return Buffer.prototype.subarray.call(bytes, this.#payloadStart, this.#end);
    // Transports may deliver bytes that are no Buffer.
    if (this.#encoding === 'utf8' && Buffer.isBuffer(bytes)) {
      return bytes.toString('utf8', this.#payloadStart, this.#end);
    }
    return this.payload.text();
  }

  /** The body that `jsonCodec` makes of the payload, with a `Buffer` for bytes. @throws SyntaxError @internal */
  get jsonBody(): unknown {
    if (this.#end === this.#payloadStart) return undefined;
    const body = this.plainBody;
    if (typeof body !== 'string') return body;
    try {
      return JSON.parse(body);
    } catch {
      // Throws an error that does not quote the text.
      return this.payload.json();
    }
  }

  /** Length of the encoded message, in bytes. @internal */
  get length(): number {
    const nameEnd = (this.isRequest ? REQUEST_NAME_START : SIGNAL_NAME_START) + this.name.length;
    return payloadStartAfter(nameEnd, this.#encoding === 'utf16', 0) + this.#end - this.#payloadStart;
  }

  /** The received data of which the payload is a view. @internal */
  get buffer(): ArrayBufferLike {
    return this.#bytes.buffer;
  }

  /** Copies the payload, so that a message which waits does not keep all bytes that were received with it. @internal */
  detach(): void {
    const bytes = Buffer.allocUnsafeSlow(this.#end - this.#payloadStart);
    bytes.set(view(this.#bytes, this.#payloadStart, this.#end));
    this.#bytes = bytes;
    this.#payloadStart = 0;
    this.#end = bytes.length;
    this.#payload = undefined;
  }

  /** A copy of the 8 bytes that identify this request in its reply; `undefined` for a signal. */
  get identifier(): Uint8Array | undefined {
    if (!this.isRequest) return undefined;
    const identifier = new Uint8Array(IDENTIFIER_LENGTH);
    this.copyIdentifier(identifier);
    return identifier;
  }

  /**
   * Aborts when the connection is gone, or when the client gives the request up, so that handlers can stop work that is no
   * longer needed. The signal of a stream also aborts when the server begins to shut down. A stream that ends after that, and
   * whose handler has read `abortSignal`, fails for the client with a `ServerShutdownError`, as it may lack items.
   */
  get abortSignal(): AbortSignal {
    return this.#own.abortSignal;
  }

  /**
   * The trace that the client's span belongs to, by W3C Trace Context: `{ traceparent, tracestate? }`. `undefined` if the client
   * sent none, or an invalid one.
   */
  get trace(): TraceContext | undefined {
    return this.#lifetime?.trace;
  }

  /** Sets `trace`. @internal */
  traceWith(context: TraceContext): void {
    this.#own.trace = context;
  }

  get #own(): MessageLifetime {
    return (this.#lifetime ??= new MessageLifetime(this.#connection, this));
  }

  /** True if the connection is gone or the client has given the request up. @internal */
  get isOver(): boolean {
    return this.#lifetime ? this.#lifetime.isOver : this.#connection.isOver;
  }

  /** For a stream, what its source has to respect; else `undefined`. @internal */
  get demand(): Demand | undefined {
    return this.#lifetime?.demand;
  }
  /** @internal */
  set demand(demand: Demand | undefined) {
    this.#own.demand = demand;
  }

  /** Publishes the outcome of a message that is traced; `undefined` for others. @internal */
  get outcomeListener(): OutcomeListener | undefined {
    return this.#lifetime?.outcomeListener;
  }
  /** @internal */
  set outcomeListener(listener: OutcomeListener | undefined) {
    this.#own.outcomeListener = listener;
  }

  /** Keeps the asynchronous context of the handler, if the message is traced: subscribers may have set it. @internal */
  runIn(scope: AsyncScope): AsyncScope {
    if (this.#lifetime?.outcomeListener) this.#lifetime.scope = scope;
    return scope;
  }

  /** Calls a function in that context, so that a log line about the message can have the ids of its handler. @internal */
  log(log: () => void): void {
    const scope = this.#lifetime?.scope;
    if (scope) scope.runInAsyncScope(log);
    else log();
  }

  /** Calls `listener` once, when `isOver` becomes true; costs less than `abortSignal`. @internal */
  addEndListener(listener: () => void): void {
    this.#own.add(listener);
  }

  /** @internal */
  removeEndListener(listener: () => void): void {
    this.#lifetime?.remove(listener);
  }

  /** True if the handler has asked for the signal. @internal */
  get hasAbortSignal(): boolean {
    return this.#lifetime?.hasAbortSignal ?? false;
  }

  /** True if the signal has aborted, and the error of the handler is the consequence. @internal */
  isAbortedBy(error: unknown): boolean {
    if (!this.#lifetime?.isAborted) return false;
    const { name } = (error ?? {}) as { name?: unknown };
    return name === 'AbortError' || error === this.#lifetime.abortSignal.reason;
  }

  /** Aborts the signal, so that the handler may end by itself. @internal */
  abort(): void {
    this.#own.abort();
  }

  /** Called when the result is no longer needed. @internal */
  end(): void {
    this.#own.end();
  }

  /** True if the request has been answered although its handler has not ended. @internal */
  get isAnswered(): boolean {
    return this.#lifetime?.isAnswered ?? false;
  }

  /** Called when the request is answered although its handler still runs: its result will be dropped. @internal */
  giveUp(): void {
    this.#own.isAnswered = true;
    this.#own.end();
  }

  /**
   * Called when the handler has ended.
   * @returns False if the request has been answered already.
   * @internal
   */
  settle(): boolean {
    if (!this.#lifetime) return true;
    this.#lifetime.settle();
    return !this.#lifetime.isAnswered;
  }

  /** The identifier as the key of a map. @internal */
  get key(): RequestKey {
    return identifierKey(this.#firstHalf, this.#secondHalf);
  }

  /** Writes the identifier of a request to the start of `target`. @internal */
  copyIdentifier(target: Uint8Array): void {
    writeInt32(this.#firstHalf, target, 0);
    writeInt32(this.#secondHalf, target, HALF);
  }
}

/** Bytes in half an identifier. */
const HALF = IDENTIFIER_LENGTH / 2;

function identifierKey(firstHalf: number, secondHalf: number): RequestKey {
  return secondHalf === 0 ? firstHalf : `${firstHalf},${secondHalf}`;
}

/** The `key` of a request whose identifier is given in 16 hexadecimal digits. */
export function keyFromHex(digits: string): RequestKey {
  const bytes = Buffer.from(digits, 'hex');
  return identifierKey(readInt32(bytes, 0), readInt32(bytes, HALF));
}
