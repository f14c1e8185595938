import { MessageType, Payload, encodingOf } from '../protocol/index.js';
import type { ReplyErrorMessage, ReplyMessage, StatusReplyMessage } from '../protocol/index.js';
import type { Connector } from './connector.js';
import {
  InternalServerError,
  MaxSessionConnectionsReachedError,
  RequestError,
  ServerShutdownError,
  SessionNotFoundError,
  SessionsDisabledError,
} from './errors.js';
import type { Link } from './link.js';
import { Operation, type OperationOptions } from './operation.js';
import { PendingRequests } from './pending-requests.js';

/** Any answer to a request. */
type Answer = ReplyMessage | ReplyErrorMessage | StatusReplyMessage;

/**
 * Sends encoded messages as soon as there is a connection, and settles requests with their replies. A message is handed to
 * a connection once, or never.
 */
export class Messenger {
  readonly #pending = new PendingRequests();
  #unsettled = 0;

  /** @param timeout Of what has no timeout of its own, in milliseconds. */
  constructor(
    private readonly connector: Connector,
    private readonly timeout: number,
    private readonly isPatient: boolean,
  ) {}

  /** Requests that have not settled yet, sent or not. */
  get unsettled(): number {
    return this.#unsettled;
  }

  /** Sends a request, in which the identifier has no value yet; resolves with the reply. */
  ask(message: Uint8Array, options: OperationOptions): Promise<Payload> {
    const request = this.#start<Payload>(options);
    this.#unsettled++;
    const settled = () => void this.#unsettled--;
    request.promise.then(settled, settled);
    this.#whenConnected(request, (link) => this.#send(link, message, request));
    return request.promise;
  }

  /** Sends a signal; resolves when the connection has it. */
  tell(message: Uint8Array, options: OperationOptions): Promise<void> {
    const signal = this.#start<void>(options);
    this.#whenConnected(signal, (link) => {
      link.send(message);
      signal.resolve();
    });
    return signal.promise;
  }

  /** Sends a request over a connection that nobody else may use yet. */
  askFirst(link: Link, message: Uint8Array, timeout: number): Promise<Payload> {
    const request = new Operation<Payload>({}, timeout);
    this.#send(link, message, request);
    return request.promise;
  }

  /** A reply arrived. Throws a ProtocolError if it answers nothing that was ever asked. */
  settle(answer: Answer): void {
    const request = this.#pending.find(answer.id);
    switch (answer.type) {
      case MessageType.ReplyBinary:
      case MessageType.ReplyUtf8:
      case MessageType.ReplyUtf16:
        return request?.resolve(new Payload(encodingOf(answer.type), answer.payload));
      case MessageType.ReplyError:
        return request?.reject(new RequestError(answer.code, answer.message));
      case MessageType.ReplyShutdown:
        return request?.reject(new ServerShutdownError('the server is shutting down'));
      case MessageType.ReplyInternalError:
        return request?.reject(new InternalServerError('the server failed to handle the request'));
      case MessageType.ReplySessionNotFound:
        return request?.reject(new SessionNotFoundError('the server does not know the session'));
      case MessageType.ReplyMaxSessionConnectionsReached:
        return request?.reject(new MaxSessionConnectionsReachedError('the session has as many connections as it may'));
      case MessageType.ReplySessionsDisabled:
        return request?.reject(new SessionsDisabledError('the server has no sessions'));
      default:
        return answer satisfies never;
    }
  }

  /** The connection is gone. */
  lost(error: Error): void {
    this.#pending.fail(error);
  }

  /** Resolves when no sent request waits for its reply any more. */
  async finished(): Promise<void> {
    await Promise.allSettled(this.#pending.promises);
  }

  #start<Result>(options: OperationOptions): Operation<Result> {
    return new Operation<Result>(options, this.timeout, () => this.connector.lastError);
  }

  #whenConnected<Result>(operation: Operation<Result>, send: (link: Link) => void): void {
    if (operation.isSettled) return;
    const waiter = {
      isPatient: this.isPatient,
      isUrgent: false,
      ready: (link: Link) => {
        try {
          send(link);
        } catch (error) {
          operation.reject(error);
        }
      },
      failed: (error: Error) => operation.reject(error),
    };
    operation.release = () => this.connector.leave(waiter);
    this.connector.enter(waiter);
  }

  #send(link: Link, message: Uint8Array, request: Operation<Payload>): void {
    this.#pending.add(request, message);
    try {
      link.send(message);
    } catch (error) {
      request.reject(error);
    }
  }
}
