import type { Dispatcher } from '../../server/ports/dispatcher.js';
import type { ServerLogger } from '../../common/logger.js';
import { plainCodec, type PayloadCodec } from '../../server/payload-codec.js';
import { ConnectionHooks } from './connection-hooks.js';
import { directInvoker } from './direct-invoker.js';
import { enhancedInvoker, scopedInvoker } from './enhanced-invoker.js';
import type { GatewayDefinition, HandlerDefinition } from './gateway-explorer.js';
import { GatewayDispatcher } from './gateway-dispatcher.js';
import { createHandshakeGuards } from './handshake-guards.js';
import type { Invoker } from './invoker.js';
import type { NestContext } from './nest-context.js';
import { RoutingTable } from './routing-table.js';
import { attachGlobalScopedEnhancers, isEnhanced, isScoped } from './scope.js';

/** A gateway on a server, and the codec for those of its handlers that name none. */
export interface ServedGateway {
  readonly definition: GatewayDefinition;
  readonly codec: PayloadCodec | undefined;
}

/**
 * Builds what a server does with its messages, once and for all connections.
 *
 * @param prepare Called with each gateway instance that is made for a single message.
 * @throws Error if two handlers take the same messages, or a handshake guard is none.
 */
export function createDispatcher(
  nest: NestContext,
  gateways: readonly ServedGateway[],
  prepare: (gateway: GatewayDefinition, instance: object) => void,
  logger: ServerLogger,
): Dispatcher {
  const routes = new RoutingTable();
  const hooks = new ConnectionHooks(logger);
  for (const { definition, codec } of gateways) {
    const prepareInstance = (instance: object) => prepare(definition, instance);
    attachGlobalScopedEnhancers(nest, definition);
    hooks.add(nest, definition, prepareInstance);
    for (const handler of definition.handlers) {
      routes.add(handler, {
        handler: `${definition.name}.${handler.methodName}`,
        module: definition.module.name,
        codec: handler.codec ?? codec ?? plainCodec,
        invoke: createInvoker(nest, definition, handler, prepareInstance),
      });
    }
  }
  const authorize = createHandshakeGuards(
    nest,
    gateways.map(({ definition }) => definition),
  );
  return new GatewayDispatcher(routes, hooks, logger, authorize);
}

function createInvoker(
  nest: NestContext,
  gateway: GatewayDefinition,
  handler: HandlerDefinition,
  prepare: (instance: object) => void,
): Invoker {
  if (isScoped(nest, gateway)) return scopedInvoker(nest, gateway, handler, prepare);
  if (isEnhanced(nest, gateway, handler)) return enhancedInvoker(nest, gateway, handler);
  return directInvoker(gateway.wrapper.instance as object, handler);
}
