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
import { BufferOverflowError, RequestError } from './errors.js';
import { stackOf, type ServerLogger } from '../common/logger.js';
import type { Message } from './message.js';

/** Type, identifier and length of the code (PROTOCOL.md, section 2), in bytes. */
const REPLY_ERROR_HEADER_LENGTH = 10;

/** Answers that have no content (PROTOCOL.md, section 2). */
type StatusReply =
  typeof MessageType.ReplyShutdown | typeof MessageType.ReplyInternalError | typeof MessageType.ReplySessionsDisabled;

/** Where the identifier of a request stands while its answer is encoded, which is at once. */
const IDENTIFIER = new Uint8Array(IDENTIFIER_LENGTH);

/** Most that a carrier adds to a message, in bytes: the header of a WebSocket frame. */
const LONGEST_FRAME_HEADER = 10;

/** Limits of what is sent, in bytes. */
interface OutboxLimits {
  readonly messageBufferSize: number;
  readonly maxBufferedAmount: number;
}

/**
 * Everything that goes to one client is encoded, measured and handed to the transport connection here.
 *
 * Replies are always accepted: a client that takes them too slowly is held up, as the inbox starts no handlers while
 * `isFull`. Signals are refused, and the client is dropped, when more than `maxBufferedAmount` of them waits.
 */
export class Outbox {
  /** Bytes of replies among what waits: at most so many. */
  #replies = 0;

  /** @param drop Called when more signals wait for the client than may. */
  constructor(
    private readonly transportConnection: TransportConnection,
    private readonly limits: OutboxLimits,
    private readonly logger: ServerLogger,
    private readonly drop: () => void,
  ) {}

  /** Whether more waits than may, whatever it is. */
  get isFull(): boolean {
    return this.#waiting() > this.limits.maxBufferedAmount;
  }

  /** Whether more waits than may of what is no reply. Only what is left after gathered messages were written counts. */
  get isCongested(): boolean {
    const { maxBufferedAmount } = this.limits;
    if (this.#waiting() - this.#replies <= maxBufferedAmount) return false;
    this.transportConnection.drain?.();
    return this.#waiting() - this.#replies > maxBufferedAmount;
  }

  /**
   * Sends a reply, or a message about the session of the connection. It is accepted however much waits.
   * @returns Whether the transport connection took it.
   * @throws BufferOverflowError or ProtocolError if it must not be sent.
   */
  readonly send = (message: EncodableMessage): boolean => {
    const length = this.#measure(message);
    this.#replies += length + LONGEST_FRAME_HEADER;
    return this.#hand(message, length);
  };

  /**
   * Sends a signal.
   * @returns Whether the transport connection took it.
   * @throws BufferOverflowError or ProtocolError if it must not be sent.
   */
  signal(message: EncodableMessage): boolean {
    const length = this.#measure(message);
    return this.#isClear() && this.#hand(message, length);
  }

  /**
   * Sends a signal that is already encoded.
   * @returns Whether the transport connection took it.
   * @throws BufferOverflowError
   */
  sendEncoded(bytes: Uint8Array): boolean {
    this.assertFits(bytes);
    return this.#isClear() && this.transportConnection.send(bytes);
  }

  /** @throws BufferOverflowError if the message does not fit the client's buffer. */
  assertFits({ length }: Uint8Array): void {
    const { messageBufferSize } = this.limits;
    if (length > messageBufferSize) throw new BufferOverflowError(length, messageBufferSize);
  }

  /** @throws BufferOverflowError or ProtocolError if the message must not be sent. */
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

  /** Whether a signal may be sent now. */
  #isClear(): boolean {
    if (!this.isCongested) return true;
    this.drop();
    return false;
  }

  #waiting(): number {
    const { bufferedAmount } = this.transportConnection;
    if (this.#replies > bufferedAmount) this.#replies = bufferedAmount;
    return bufferedAmount;
  }

  /** Answers a request that succeeded, unless the reply must not be sent: then it failed. */
  reply(message: Message, payload: Payload): void {
    try {
      message.copyIdentifier(IDENTIFIER);
      this.send({ type: replyType(payload.encoding), id: IDENTIFIER, payload: payload.bytes });
    } catch (error) {
      if (error instanceof BufferOverflowError) this.#refuseReply(message, error);
      else this.#failInternally(message, error);
    }
  }

  /** The handler succeeded, but its reply does not fit the client's buffer (PROTOCOL.md, section 5). */
  #refuseReply(message: Message, error: BufferOverflowError): void {
    const text = `the reply has ${error.length} bytes, but messageBufferSize is ${error.messageBufferSize}`;
    this.fail(message, new RequestError('REPLY_TOO_LARGE', text));
    this.logger.error(`The reply to request ${JSON.stringify(message.name)} was not sent`, stackOf(error));
  }

  /** Answers a request that failed; a text that does not fit the client's buffer is cut. */
  fail(message: Message, error: unknown): void {
    if (!(error instanceof RequestError)) return this.#failInternally(message, error);
    try {
      const { code } = error;
      const room = this.limits.messageBufferSize - REPLY_ERROR_HEADER_LENGTH - code.length;
      const text = truncate(error.message, room);
      this.send({ type: MessageType.ReplyError, id: message.identifier!, code, message: text });
    } catch (refusal) {
      this.#failInternally(message, refusal);
    }
  }

  /** Answers without content. */
  answer(type: StatusReply, id: Uint8Array): void {
    this.send({ type, id });
  }

  /** Nothing about the failure reaches the client (PROTOCOL.md, section 5). */
  #failInternally(message: Message, error: unknown): void {
    this.answer(MessageType.ReplyInternalError, message.identifier!);
    this.logger.error(`Request ${JSON.stringify(message.name)} failed`, stackOf(error));
  }
}

/** At most `length` bytes of UTF-8 of a text, without a broken character at the end. */
function truncate(text: string, length: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= length) return text;
  let end = Math.max(length, 0);
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}
