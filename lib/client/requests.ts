import type { Payload, ReplyErrorMessage, ReplyMessage, StatusReplyMessage } from '../protocol/index.js';
import { payloadOf, refuse } from '../protocol/server-messages.js';
import * as MessageType from '../protocol/type-bytes.js';
import {
  InternalServerError,
  MaxSessionConnectionsReachedError,
  RequestError,
  ServerShutdownError,
  SessionNotFoundError,
  SessionsDisabledError,
} from './errors.js';
import type { ClientConnection } from './connection.js';
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
export interface Requests {
  /**
   * Gives an encoded request its identifier, 8 bytes, little-endian, behind the type, and sends it. One that does not fit
   * the server's buffer is rejected with a `BufferOverflowError`.
   * @param read Makes the result of the reply before any later message is read, unlike those who wait for it. What it throws
   *   ends the link.
   */
  send<Result>(
    link: ClientConnection,
    message: Uint8Array<ArrayBuffer>,
    request: Operation<Result>,
    read: (reply: Payload) => Result,
  ): void;
  /**
   * A reply arrived. Nobody waits for one that is late, or comes twice: these are dropped. Telling them apart would take
   * memory for each request that is never answered.
   * @throws ProtocolError if no such request was sent on this connection.
   */
  settle(answer: Answer): void;
  /** The connection is gone: none of them will be answered. */
  readonly fail: (error: Error) => void;
  /** How many of them there are. */
  count(): number;
  /** Resolves when none of them waits any more. */
  finished(): Promise<unknown>;
}

interface Pending {
  readonly request: Pick<Operation<unknown>, 'promise' | 'reject'>;
  resolve(reply: Payload): void;
}

export function createRequests(): Requests {
  const pending = new Map<number, Pending>();
  /** Identifiers count from 1, and are never used again. */
  let next = 1;
  let firstOfConnection = 1;
  return {
    send(link, message, request, read) {
      const id = next;
      new DataView(message.buffer).setBigUint64(1, BigInt(id), true);
      try {
        link.send(message);
      } catch (error) {
        request.reject(error);
        return;
      }
      next++;
      pending.set(id, { request, resolve: (reply) => request.resolve(read(reply)) });
      request.release = () => pending.delete(id);
    },
    settle(answer) {
      const { type, id: bytes } = answer;
      const id = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
      if (id < firstOfConnection || id >= next) refuse('UNEXPECTED_MESSAGE', 1);
      const waiting = pending.get(id);
      if (type === MessageType.ReplyError) waiting?.request.reject(new RequestError(answer.code, answer.message));
      else if ('payload' in answer) waiting?.resolve(payloadOf(answer));
      else waiting?.request.reject(new STATUS_ERRORS[answer.type]());
    },
    fail(error) {
      firstOfConnection = next;
      for (const { request } of pending.values()) request.reject(error);
    },
    count: () => pending.size,
    finished: () => Promise.allSettled([...pending.values()].map(({ request }) => request.promise)),
  };
}
