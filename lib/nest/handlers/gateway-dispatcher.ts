import type { Payload } from '../../protocol/index.js';
import type { WebwireConnection } from '../../server/connection.js';
import type { DisconnectReason } from '../../server/disconnect-reason.js';
import type { Dispatcher, HandlerInfo } from '../../server/ports/dispatcher.js';
import { RequestError } from '../../protocol/errors.js';
import type { ServerLogger } from '../../common/logger.js';
import type { Message } from '../../server/message.js';
import type { ConnectionHooks } from './connection-hooks.js';
import type { RoutingTable } from './routing-table.js';
import { StreamRoute } from './stream-route.js';

/** Routes the messages of one server to the handlers of its gateways. */
export class GatewayDispatcher implements Dispatcher<WebwireConnection> {
  constructor(
    private readonly routes: RoutingTable,
    private readonly hooks: ConnectionHooks,
    private readonly logger: ServerLogger,
    readonly authorize: Dispatcher<WebwireConnection>['authorize'],
  ) {}

  request(connection: WebwireConnection, message: Message): Payload | Promise<Payload> {
    const route = this.routes.find('request', message.name);
    if (!route) throw new RequestError('NOT_FOUND', 'nobody handles this request');
    return route.request(connection, message);
  }

  isStream(name: string): boolean {
    return this.routes.find('request', name) instanceof StreamRoute;
  }

  handlerOf(message: Message): HandlerInfo | undefined {
    return this.routes.find(message.isRequest ? 'request' : 'signal', message.name)?.info;
  }

  signal(connection: WebwireConnection, message: Message): void | Promise<void> {
    const route = this.routes.find('signal', message.name);
    if (!route) {
      this.logger.debug(`Dropped signal ${JSON.stringify(message.name)}: no handler handles it`);
      return;
    }
    try {
      const handled = route.signal(connection, message);
      if (handled instanceof Promise) return handled.catch((error: unknown) => this.#failed(message, error));
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

  /**
   * Logs an error that the handler of a signal threw on purpose, because a signal has no reply. The level is debug, so that no
   * client can fill the log. Rethrows any other error.
   */
  #failed(message: Message, failure: unknown): void {
    if (!(failure instanceof RequestError)) throw failure;
    message.outcomeListener?.settle('refused', failure);
    this.logger.debug(`Signal ${JSON.stringify(message.name)} was refused: ${JSON.stringify(failure.code)}`);
  }
}
