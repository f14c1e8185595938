import {
  encodedLength,
  encodeMessage,
  IDENTIFIER_LENGTH,
  MessageType,
  replyType,
  type EncodableMessage,
  type Payload,
} from '../protocol/index.js';
import type { TransportConnection } from './ports/transport-connection.js';
import { BufferOverflowError, RequestError } from '../protocol/errors.js';
import { stackOf, type ServerLogger } from '../common/logger.js';
import type { Message } from './message.js';

/** Length of type, identifier and length of the code (docs/PROTOCOL.md, section 2), in bytes. */
const REPLY_ERROR_HEADER_LENGTH = 10;

/** Replies without content (docs/PROTOCOL.md, section 2). */
type StatusReply =
  typeof MessageType.ReplyShutdown | typeof MessageType.ReplyInternalError | typeof MessageType.ReplySessionsDisabled;

/** Reused for the identifier of each reply, as replies are encoded synchronously. */
const IDENTIFIER = new Uint8Array(IDENTIFIER_LENGTH);

/** Most bytes that a transport connection adds to a message: the header of a WebSocket frame. */
const LONGEST_FRAME_HEADER = 10;

/** Limits of the data to a client, in bytes. */
interface OutboxLimits {
  readonly messageBufferSize: number;
  readonly maxBufferedAmount: number;
}

/**
 * Encodes the messages to one client and hands them to its transport connection.
 *
 * Replies are always accepted: for a client that reads them too slowly, the inbox starts no handlers while `isFull`.
 * Signals are not sent, and the client is dropped, if more than `maxBufferedAmount` bytes of signals wait for it.
 */
export class Outbox {
  /** Upper bound of the bytes of replies in the buffered data. */
  #replies = 0;
  #isDrainRequested = false;

  /** @param drop Called when too many bytes of signals wait for the client. */
  constructor(
    private readonly transportConnection: TransportConnection,
    private readonly limits: OutboxLimits,
    private readonly logger: ServerLogger,
    private readonly drop: () => void,
  ) {}

  /** True if more than `maxBufferedAmount` bytes wait, of replies and signals together. */
  get isFull(): boolean {
    return this.#bufferedAmount() > this.limits.maxBufferedAmount;
  }

  /** True if bytes wait to be written. */
  get isBuffering(): boolean {
    return this.transportConnection.bufferedAmount > 0;
  }

  /** Makes the transport connection report when the bytes that wait now have been written. */
  drain(): void {
    if (this.#isDrainRequested) return;
    this.#isDrainRequested = true;
    this.transportConnection.drain?.();
  }

  /** Called when that has been reported. */
  drained(): void {
    this.#isDrainRequested = false;
  }

  /** True if more than `maxBufferedAmount` bytes wait without replies, even after gathered messages were written. */
  get isCongested(): boolean {
    const { maxBufferedAmount } = this.limits;
    if (this.#bufferedAmount() - this.#replies <= maxBufferedAmount) return false;
    this.transportConnection.drain?.();
    return this.#bufferedAmount() - this.#replies > maxBufferedAmount;
  }

  /**
   * Sends a reply, or a message about the session of the connection, even if much data waits.
   * @returns False if the transport connection is closing or closed.
   * @throws BufferOverflowError if it does not fit the client's buffer; ProtocolError if the protocol forbids it.
   */
  send(message: EncodableMessage): boolean {
    const length = this.#measure(message);
    this.#replies += length + LONGEST_FRAME_HEADER;
    return this.#hand(message, length);
  }

  /**
   * Sends a signal.
   * @returns False if the connection is closing or closed, or is dropped because it reads too slowly.
   * @throws BufferOverflowError if it does not fit the client's buffer; ProtocolError if the protocol forbids it.
   */
  signal(message: EncodableMessage): boolean {
    const length = this.#measure(message);
    return this.#canSendSignal() && this.#hand(message, length);
  }

  /**
   * Sends a signal that is already encoded.
   * @returns False if the connection is closing or closed, or is dropped because it reads too slowly.
   * @throws BufferOverflowError
   */
  sendEncoded(bytes: Uint8Array): boolean {
    this.assertFits(bytes);
    return this.#canSendSignal() && this.transportConnection.send(bytes);
  }

  /** @throws BufferOverflowError if the message does not fit the client's buffer. */
  assertFits({ length }: Uint8Array): void {
    const { messageBufferSize } = this.limits;
    if (length > messageBufferSize) throw new BufferOverflowError(length, messageBufferSize);
  }

  /** @throws BufferOverflowError if the message does not fit the client's buffer; ProtocolError if the protocol forbids it. */
  #measure(message: EncodableMessage): number {
    const { messageBufferSize } = this.limits;
    const length = encodedLength(message);
    if (length > messageBufferSize) throw new BufferOverflowError(length, messageBufferSize);
    return length;
  }

  #hand(message: EncodableMessage, length: number): boolean {
    const { transportConnection } = this;
    if (transportConnection.sendMessage) return transportConnection.sendMessage(message, length);
    return transportConnection.send(encodeMessage(message));
  }

  /** Returns false, and drops the client, if too many bytes of signals wait for it. */
  #canSendSignal(): boolean {
    if (!this.isCongested) return true;
    this.drop();
    return false;
  }

  #bufferedAmount(): number {
    const { bufferedAmount } = this.transportConnection;
    if (this.#replies > bufferedAmount) this.#replies = bufferedAmount;
    return bufferedAmount;
  }

  /** Sends the reply to a request. If it cannot be sent, the request fails. */
  reply(message: Message, payload: Payload): void {
    try {
      message.copyIdentifier(IDENTIFIER);
      const isSent = this.send({ type: replyType(payload.encoding), id: IDENTIFIER, payload: payload.bytes });
      message.outcomeListener?.settle(isSent ? 'replied' : 'connection-lost');
    } catch (error) {
      if (error instanceof BufferOverflowError) this.#failTooLarge(message, error);
      else this.#failInternally(message, error);
    }
  }

  /** The handler succeeded, but its reply does not fit the client's buffer (docs/PROTOCOL.md, section 5). */
  #failTooLarge(message: Message, error: BufferOverflowError): void {
    const text = `the reply has ${error.length} bytes, but messageBufferSize is ${error.messageBufferSize}`;
    this.fail(message, new RequestError('REPLY_TOO_LARGE', text));
    const line = `The reply to request ${JSON.stringify(message.name)} was not sent`;
    message.log(() => this.logger.error(line, stackOf(error)));
  }

  /** Sends the reply to a request that failed. A text that does not fit the client's buffer is truncated. */
  fail(message: Message, error: unknown): void {
    if (!(error instanceof RequestError)) return this.#failInternally(message, error);
    try {
      this.refuse(message.identifier!, error);
      message.outcomeListener?.settle('refused', error);
    } catch (replyError) {
      this.#failInternally(message, replyError);
    }
  }

  /**
   * Sends a ReplyError. A text that does not fit the client's buffer is truncated.
   * @throws BufferOverflowError if the code does not fit the client's buffer; ProtocolError if the protocol forbids it.
   */
  refuse(id: Uint8Array, { code, message }: RequestError): void {
    const room = this.limits.messageBufferSize - REPLY_ERROR_HEADER_LENGTH - code.length;
    this.send({ type: MessageType.ReplyError, id, code, message: truncate(message, room) });
  }

  /** Answers a request that was not handled, or is not waited for, because the server shuts down. */
  shutDown(message: Message): void {
    this.answer(MessageType.ReplyShutdown, message.identifier!);
    message.outcomeListener?.settle('shutdown');
  }

  /** Sends a reply without content. */
  answer(type: StatusReply, id: Uint8Array): void {
    this.send({ type, id });
  }

  /** The client gets no details of the failure (docs/PROTOCOL.md, section 5). */
  #failInternally(message: Message, error: unknown): void {
    this.answer(MessageType.ReplyInternalError, message.identifier!);
    message.outcomeListener?.settle('failed', error);
    message.log(() => this.logger.error(`Request ${JSON.stringify(message.name)} failed`, stackOf(error)));
  }
}

/** Truncates a text to at most `length` bytes of UTF-8, between two characters. */
function truncate(text: string, length: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= length) return text;
  let end = Math.max(length, 0);
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}
