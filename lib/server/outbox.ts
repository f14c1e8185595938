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

/** What a server allows to be sent, and to wait, in bytes. */
interface OutboxLimits {
  readonly messageBufferSize: number;
  readonly maxBufferedAmount: number;
}

/** What goes to one client: the one place where messages are encoded, measured and handed to the transport connection. */
export class Outbox {
  /** @param drop Called when more waits for the client than may. */
  constructor(
    private readonly transportConnection: TransportConnection,
    private readonly limits: OutboxLimits,
    private readonly logger: ServerLogger,
    private readonly drop: () => void,
  ) {}

  /**
   * Sends a message.
   * @returns Whether the transport connection took it.
   * @throws BufferOverflowError or ProtocolError if it must not be sent.
   */
  readonly send = (message: EncodableMessage): boolean => {
    const { transportConnection } = this;
    if (!transportConnection.sendMessage) return this.sendEncoded(encodeMessage(message));
    const length = encodedLength(message);
    return this.#isClearFor(length) && transportConnection.sendMessage(message, length);
  };

  /**
   * Sends a message that is already encoded.
   * @returns Whether the transport connection took it.
   * @throws BufferOverflowError
   */
  sendEncoded(bytes: Uint8Array): boolean {
    return this.#isClearFor(bytes.length) && this.transportConnection.send(bytes);
  }

  /** @throws BufferOverflowError if the message does not fit the client's buffer. */
  assertFits({ length }: Uint8Array): void {
    const { messageBufferSize } = this.limits;
    if (length > messageBufferSize) throw new BufferOverflowError(length, messageBufferSize);
  }

  /**
   * Whether a message may be handed to the transport connection now.
   * @throws BufferOverflowError
   */
  #isClearFor(length: number): boolean {
    const { messageBufferSize, maxBufferedAmount } = this.limits;
    if (length > messageBufferSize) throw new BufferOverflowError(length, messageBufferSize);
    if (this.transportConnection.bufferedAmount <= maxBufferedAmount) return true;
    this.drop();
    return false;
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
