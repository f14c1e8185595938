import type { Payload } from '../protocol/index.js';
import type { EmitEvent } from './client-events.js';
import type { ResolvedClientOptions, TracedMessage } from './client-options.js';
import type { ClientConnection } from './connection.js';
import type { ConnectHook } from './connect-hook.js';
import type { Connector } from './connector.js';
import { startOperation, type Operation, type OperationOptions } from './operation.js';
import type { Requests } from './requests.js';
import type { SendRequest } from './sessions.js';
import { synchronous } from './target.js';
import { serve } from './waiters.js';

/** Sends messages: at once, or when there is a connection. */
export class Outgoing {
  /** Number of requests that have not settled, without the client's own session requests. */
  pendingRequests = 0;

  constructor(
    private readonly options: ResolvedClientOptions,
    private readonly requests: Requests,
    private readonly hook: ConnectHook,
    private readonly connector: Connector,
    private readonly emit: EmitEvent,
  ) {}

  /** Calls `ready` with the connection. Without one, the operation waits or is rejected, as `canRetry` says. */
  enter<Result>(
    operation: Operation<Result>,
    ready: (connection: ClientConnection) => void,
    { canRetry, isConnect } = { canRetry: this.options.reconnect, isConnect: false },
  ): void {
    const waiter = { operation, canRetry, isConnect, ready };
    const { connection } = this.hook;
    if (!connection) this.connector.enter(waiter);
    else if (!operation.isSettled) serve(waiter, connection);
  }

  /** Sends a signal. */
  async signal(message: Uint8Array<ArrayBuffer>, options: OperationOptions, trace?: string): Promise<void> {
    const signal = startOperation(options, this.options.requestTimeout);
    this.enter(signal, (connection) => {
      connection.send(message, trace);
      signal.resolve();
    });
    await signal.promise;
  }

  /** Returns a function that sends requests. */
  requester(options: OperationOptions, trace?: string): SendRequest {
    return async <Result>(message: Uint8Array<ArrayBuffer>, read: (reply: Payload) => Result) => {
      const request = startOperation<Result>(options, this.options.requestTimeout);
      this.pendingRequests++;
      try {
        this.enter(request, (connection) => this.requests.send(connection, message, request, read, trace));
        return await request.promise;
      } finally {
        this.pendingRequests--;
      }
    };
  }

  /** Returns a function that sends the client's own session requests, on a connection that operations may not use yet. */
  sessionRequester(connection: ClientConnection): SendRequest {
    return async <Result>(message: Uint8Array<ArrayBuffer>, read: (reply: Payload) => Result) => {
      const request = startOperation<Result>({}, this.options.dialTimeout);
      this.requests.send(connection, message, request, read);
      return request.promise;
    };
  }

  /** Calls the option `trace`. Returns the payload of the signal that carries the trace context. */
  traceOf(kind: TracedMessage['kind'], name: string): string | undefined {
    try {
      const context = synchronous('trace', this.options.trace?.({ kind, name }));
      if (context) {
        const { traceparent, tracestate } = context;
        if (/^[\da-f-]{55}/.test(traceparent)) return `${traceparent}\n${tracestate ?? ''}`;
        throw new TypeError('the option trace returned no traceparent');
      }
    } catch (error) {
      this.emit('error', { error });
    }
    return undefined;
  }
}
