import type { Payload, ReplyErrorMessage, ReplyMessage, StatusReplyMessage } from '../protocol/index.js';
import { payloadOf, throwProtocolError } from '../protocol/server-messages.js';
import { SHUTDOWN_REASON } from '../protocol/limits.js';
import * as MessageType from '../protocol/type-bytes.js';
import {
  type DisconnectedError,
  InternalServerError,
  MaxSessionConnectionsReachedError,
  RequestError,
  ServerShutdownError,
  SessionNotFoundError,
  SessionsDisabledError,
} from './errors.js';
import type { ClientConnection } from './connection.js';
import type { Operation } from './operation.js';

type AnyReply = ReplyMessage | ReplyErrorMessage | StatusReplyMessage;

const STATUS_ERRORS = {
  [MessageType.ReplyShutdown]: ServerShutdownError,
  [MessageType.ReplyInternalError]: InternalServerError,
  [MessageType.ReplySessionNotFound]: SessionNotFoundError,
  [MessageType.ReplyMaxSessionConnectionsReached]: MaxSessionConnectionsReachedError,
  [MessageType.ReplySessionsDisabled]: SessionsDisabledError,
};

/** The requests that were sent on the current connection and wait for their replies. */
export interface Requests {
  /**
   * Writes the identifier into an encoded request (8 bytes, little-endian, after the type) and sends it. A request that is larger
   * than the server's message buffer is rejected with a `BufferOverflowError`.
   * @param read Makes the result from the reply. It is called before the next message is processed, while code that awaits the
   *   result runs later. Its error ends the connection.
   * @param trace The trace context of the request: see `ClientConnection.send()`.
   */
  send<Result>(
    connection: ClientConnection,
    message: Uint8Array<ArrayBuffer>,
    request: Operation<Result>,
    read: (reply: Payload) => Result,
    trace?: string,
  ): void;
  /**
   * Settles the request of a reply. A reply to a request that has already settled is ignored, whether it is late or a second one:
   * to distinguish them, every request without a reply would have to stay in memory.
   * @throws ProtocolError if no request with this identifier was sent on this connection.
   */
  receive(reply: AnyReply): void;
  /** Rejects all requests, as the connection has ended. If the server has shut down, it has handled none of them. */
  readonly fail: (error: Error) => void;
  /** Resolves when all current requests have settled. */
  readonly finished: () => Promise<unknown>;
}

interface Pending {
  readonly request: Pick<Operation<unknown>, 'promise' | 'reject'>;
  resolve(reply: Payload): void;
}

export function createRequests(): Requests {
  const pending = new Map<number, Pending>();
  /** Identifiers count from 1 and are not reused. */
  let next = 1;
  let firstOfConnection = 1;
  /** Identifier of the last reply. */
  let answered = 0;
  return {
    send(connection, message, request, read, trace) {
      const id = next;
      new DataView(message.buffer).setBigUint64(1, BigInt(id), true);
      try {
        connection.send(message, trace);
      } catch (error) {
        return request.reject(error);
      }
      next++;
      // Perhaps there is no reply because the connection is lost.
      request.obstacle = connection.probe;
      pending.set(id, { request, resolve: (reply) => request.resolve(read(reply)) });
      request.release = () => {
        // Without a reply, the application has given the request up, or the connection has ended.
        if (pending.delete(id) && answered !== id) connection.cancel(message);
      };
    },
    receive(reply) {
      const { type, id: bytes } = reply;
      const id = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
      if (id < firstOfConnection || id >= next) throwProtocolError('UNEXPECTED_MESSAGE', 1);
      const entry = pending.get(id);
      answered = id;
      if (type === MessageType.ReplyError) entry?.request.reject(new RequestError(reply.code, reply.message));
      else if ('payload' in reply) entry?.resolve(payloadOf(reply));
      else entry?.request.reject(new STATUS_ERRORS[reply.type]());
    },
    fail(error) {
      firstOfConnection = next;
      const isUnhandled = (error as Partial<DisconnectedError>).reason === SHUTDOWN_REASON;
      const failure = isUnhandled ? new ServerShutdownError(error.message, { cause: error }) : error;
      for (const { request } of pending.values()) request.reject(failure);
    },
    finished: () => Promise.allSettled([...pending.values()].map(({ request }) => request.promise)),
  };
}
