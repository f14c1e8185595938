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
import type { ConnectionLifetime } from './connection-lifetime.js';

/** A request or a signal from a client. Handlers get it with `@WebwireMessage()`. */
export class Message {
  /** Name of the request or signal; may be empty. */
  readonly name: string;
  /** True for a request, false for a signal. @internal */
  readonly isRequest: boolean;
  /** The identifier as two numbers, as copying them is faster than copying bytes. */
  readonly #firstHalf: number = 0;
  readonly #secondHalf: number = 0;
  readonly #lifetime: ConnectionLifetime;
  readonly #encoding: PayloadEncoding;
  readonly #bytes: Uint8Array;
  readonly #payloadStart: number;
  readonly #end: number;
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
    lifetime: ConnectionLifetime,
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
    this.#lifetime = lifetime;
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

  /** A copy of the 8 bytes that identify this request in its reply; `undefined` for a signal. */
  get identifier(): Uint8Array | undefined {
    if (!this.isRequest) return undefined;
    const identifier = new Uint8Array(IDENTIFIER_LENGTH);
    this.copyIdentifier(identifier);
    return identifier;
  }

  /** Aborts when the connection is gone, so that handlers can stop work that is no longer needed. */
  get abortSignal(): AbortSignal {
    return this.#lifetime.abortSignal;
  }

  /** Reports the end of the connection; costs less than `abortSignal`. @internal */
  get lifetime(): ConnectionLifetime {
    return this.#lifetime;
  }

  /** Writes the identifier of a request to the start of `target`. @internal */
  copyIdentifier(target: Uint8Array): void {
    writeInt32(this.#firstHalf, target, 0);
    writeInt32(this.#secondHalf, target, HALF);
  }
}

/** Bytes in half an identifier. */
const HALF = IDENTIFIER_LENGTH / 2;
