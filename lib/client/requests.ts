import { ProtocolError, type Payload } from '../protocol/index.js';
import type { ReplyErrorMessage, ReplyMessage, StatusReplyMessage } from '../protocol/index.js';
import { payloadOf } from '../protocol/server-messages.js';
import * as MessageType from '../protocol/type-bytes.js';
import {
  InternalServerError,
  MaxSessionConnectionsReachedError,
  RequestError,
  ServerShutdownError,
  SessionNotFoundError,
  SessionsDisabledError,
} from './errors.js';
import type { Link } from './link.js';
import type { Operation } from './operation.js';

/** Any answer to a request. */
export type Answer = ReplyMessage | ReplyErrorMessage | StatusReplyMessage;

const STATUS_ERRORS = {
  [MessageType.ReplyShutdown]: ServerShutdownError,
  [MessageType.ReplyInternalError]: InternalServerError,
  [MessageType.ReplySessionNotFound]: SessionNotFoundError,
  [MessageType.ReplyMaxSessionConnectionsReached]: MaxSessionConnectionsReachedError,
  [MessageType.ReplySessionsDisabled]: SessionsDisabledError,
};

/** The requests that were sent on the present connection and wait for their replies. */
export class Requests {
  readonly #pending = new Map<number, Operation<Payload>>();
  /** Identifiers count from 1, and are never used again. */
  #next = 1;
  #firstOfConnection = 1;

  /**
   * Gives an encoded request its identifier, 8 bytes, little-endian, behind the type, and sends it. One that does not fit
   * the server's buffer is rejected with a `BufferOverflowError`.
   */
  send(link: Link, message: Uint8Array, request: Operation<Payload>): void {
    const id = this.#next;
    new DataView(message.buffer).setBigUint64(1, BigInt(id), true);
    try {
      link.send(message);
    } catch (error) {
      request.reject(error);
      return;
    }
    this.#next++;
    this.#pending.set(id, request);
    request.release = () => this.#pending.delete(id);
  }

  /**
   * A reply arrived. Nobody waits for one that is late, or comes twice: these are dropped. Telling them apart would take
   * memory for each request that is never answered.
   * @throws ProtocolError if no such request was sent on this connection.
   */
  settle(answer: Answer): void {
    const {
      type,
      id: { buffer, byteOffset },
    } = answer;
    const id = Number(new DataView(buffer, byteOffset).getBigUint64(0, true));
    if (id < this.#firstOfConnection || id >= this.#next) {
      throw new ProtocolError('UNEXPECTED_MESSAGE', 'reply to no request', 1);
    }
    const request = this.#pending.get(id);
    if (!request) return;
    if (type === MessageType.ReplyError) request.reject(new RequestError(answer.code, answer.message));
    else if ('payload' in answer) request.resolve(payloadOf(answer));
    else request.reject(new STATUS_ERRORS[answer.type]());
  }

  /** The connection is gone: none of them will be answered. */
  fail(error: Error): void {
    this.#firstOfConnection = this.#next;
    for (const request of this.#pending.values()) request.reject(error);
  }

  /** Resolves when none of them waits any more. */
  async finished(): Promise<void> {
    await Promise.allSettled([...this.#pending.values()].map(({ promise }) => promise));
  }
}
