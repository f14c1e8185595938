import type { Payload } from '../../protocol/index.js';
import type { WebwireConnection } from '../../server/connection.js';
import type { DisconnectReason } from '../../server/disconnect-reason.js';
import type { Dispatcher } from '../../server/ports/dispatcher.js';
import { RequestError } from '../../server/errors.js';
import type { ServerLogger } from '../../common/logger.js';
import type { Message } from '../../server/message.js';
import { toPayload } from '../../server/payload-codec.js';
import type { ConnectionHooks } from './connection-hooks.js';
import { toFailure } from './failure.js';
import type { Route, RoutingTable } from './routing-table.js';
import { isPromiseLike } from './resolve-result.js';

/** Brings the messages of one server to the handlers of its gateways. */
export class GatewayDispatcher implements Dispatcher {
  constructor(
    private readonly routes: RoutingTable,
    private readonly hooks: ConnectionHooks,
    private readonly logger: ServerLogger,
    readonly authorize: Dispatcher['authorize'],
  ) {}

  request(connection: WebwireConnection, message: Message): Payload | Promise<Payload> {
    const route = this.routes.find('request', message.name);
    if (!route) throw new RequestError('NOT_FOUND', 'nobody handles this request');
    const result = invoke(route, connection, message);
    if (result instanceof Promise) return result.then((value) => reply(route, value), rethrow);
    return reply(route, result);
  }

  signal(connection: WebwireConnection, message: Message): void | Promise<void> {
    const route = this.routes.find('signal', message.name);
    if (!route) {
      this.logger.debug(`Nobody handles signal ${JSON.stringify(message.name)}, which was dropped`);
      return;
    }
    try {
      const result = invoke(route, connection, message);
      if (result instanceof Promise) return result.then(ignore, (error) => this.#failed(message, toFailure(error)));
    } catch (error) {
      this.#failed(message, error);
    }
  }

  connected(connection: WebwireConnection): void | Promise<void> {
    return this.hooks.connected(connection);
  }

  disconnected(connection: WebwireConnection, reason: DisconnectReason): void | Promise<void> {
    return this.hooks.disconnected(connection, reason);
  }

  /** Nobody waits for an answer. What was refused on purpose must not let a client fill the log. */
  #failed({ name }: Message, failure: unknown): void {
    if (!(failure instanceof RequestError)) throw failure;
    this.logger.debug(`Signal ${JSON.stringify(name)} was refused: ${JSON.stringify(failure.code)}`);
  }
}

function invoke(route: Route, connection: WebwireConnection, message: Message): unknown {
  const body = decodeBody(route, message);
  try {
    return route.invoke(connection, body, message);
  } catch (error) {
    throw toFailure(error);
  }
}

function decodeBody({ codec, handler }: Route, { payload }: Message): unknown {
  let body: unknown;
  try {
    body = codec.decode(payload);
  } catch (error) {
    if (error instanceof RequestError) throw error;
    // The cause may quote the payload, which must reach neither the log nor the client.
    throw new RequestError('BAD_REQUEST', 'the body could not be decoded');
  }
  if (!isPromiseLike(body)) return body;
  void Promise.resolve(body).catch(ignore);
  throw new TypeError(`the codec of ${handler} decodes to a promise; codecs must be synchronous`);
}

/** An error that is returned, by a handler or by a filter, is a failure like one that is thrown. */
function reply({ codec }: Route, value: unknown): Payload {
  if (value instanceof Error) throw toFailure(value);
  return toPayload(value, codec);
}

function rethrow(error: unknown): never {
  throw toFailure(error);
}

function ignore(): void {}
