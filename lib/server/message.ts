import { encodingOf, IDENTIFIER_LENGTH, Payload, type RequestType, type SignalType } from '../protocol/index.js';
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

/** What a client sent: a request or a signal, as `@WebwireMessage()` gives it to a handler. */
export class Message {
  /** The name it was sent to; empty when it has none. */
  readonly name: string;
  /** Its content: a view of the received bytes, which stay valid for as long as they are referenced. */
  readonly payload: Payload;
  /** Whether it wants an answer. @internal */
  readonly isRequest: boolean;
  /** The identifier in two halves, which are copied faster than bytes. */
  readonly #firstHalf: number = 0;
  readonly #secondHalf: number = 0;
  readonly #lifetime: ConnectionLifetime;

  /**
   * Made by the connection that received it: it stands from `start` to `end` in what was received.
   * @throws ProtocolError
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
    const payloadStart = payloadStartAfter(nameEnd, isUtf16, start);
    this.name = readName(bytes, nameStart, nameEnd, start);
    this.payload = new Payload(encoding, view(bytes, payloadStart, end));
    this.isRequest = isRequest;
    if (isRequest) {
      this.#firstHalf = readInt32(bytes, start + ID_START);
      this.#secondHalf = readInt32(bytes, start + ID_START + HALF);
    }
    this.#lifetime = lifetime;
  }

  /** A copy of the 8 bytes that tie a reply to this request; `undefined` for a signal. */
  get identifier(): Uint8Array | undefined {
    if (!this.isRequest) return undefined;
    const identifier = new Uint8Array(IDENTIFIER_LENGTH);
    this.copyIdentifier(identifier);
    return identifier;
  }

  /** Aborts when the connection is gone, so that work for nobody can stop. */
  get abortSignal(): AbortSignal {
    return this.#lifetime.abortSignal;
  }

  /** Whether somebody waits for an answer; cheaper to listen to than `signal`. @internal */
  get lifetime(): ConnectionLifetime {
    return this.#lifetime;
  }

  /** Writes the identifier of a request. @internal */
  copyIdentifier(target: Uint8Array): void {
    writeInt32(this.#firstHalf, target, 0);
    writeInt32(this.#secondHalf, target, HALF);
  }
}

/** Bytes in half an identifier. */
const HALF = IDENTIFIER_LENGTH / 2;
