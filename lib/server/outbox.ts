import { encodeMessage, MessageType, replyType, type EncodableMessage, type Payload } from '../protocol/index.js';
import type { Carrier } from './carrier.js';
import { BufferOverflowError, RequestError } from './errors.js';
import { stackOf, type ServerLogger } from './logger.js';
import type { Message } from './message.js';

/** Type, identifier and length of the code (PROTOCOL.md, section 2), in bytes. */
const REPLY_ERROR_HEADER_LENGTH = 10;

/** Answers that have no content (PROTOCOL.md, section 2). */
type StatusReply =
  typeof MessageType.ReplyShutdown | typeof MessageType.ReplyInternalError | typeof MessageType.ReplySessionsDisabled;

/** What goes to one client: the one place where messages are encoded, measured and handed to the carrier. */
export class Outbox {
  constructor(
    private readonly carrier: Carrier,
    private readonly messageBufferSize: number,
    private readonly logger: ServerLogger,
  ) {}

  /**
   * Sends a message.
   * @returns Whether the carrier took it.
   * @throws BufferOverflowError or ProtocolError if it must not be sent.
   */
  readonly send = (message: EncodableMessage): boolean => {
    const bytes = encodeMessage(message);
    if (bytes.length > this.messageBufferSize) throw new BufferOverflowError(bytes.length, this.messageBufferSize);
    return this.carrier.send(bytes);
  };

  /** Answers a request that succeeded, unless the reply must not be sent: then it failed. */
  reply(message: Message, payload: Payload): void {
    try {
      this.send({ type: replyType(payload.encoding), id: message.identifier!, payload: payload.bytes });
    } catch (error) {
      this.#failInternally(message, error);
    }
  }

  /** Answers a request that failed; a text that does not fit the client's buffer is cut. */
  fail(message: Message, error: unknown): void {
    if (!(error instanceof RequestError)) return this.#failInternally(message, error);
    try {
      const { code } = error;
      const room = this.messageBufferSize - REPLY_ERROR_HEADER_LENGTH - code.length;
      const text = truncate(error.message, room);
      this.send({ type: MessageType.ReplyError, id: message.identifier!, code, message: text });
    } catch (refusal) {
      this.#failInternally(message, refusal);
    }
  }

  /** Answers without content. */
  answer(type: StatusReply, id: Uint8Array): void {
    this.carrier.send(encodeMessage({ type, id }));
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
