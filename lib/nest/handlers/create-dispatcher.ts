import type { ServerLogger } from '../../common/logger.js';
import { plainCodec, type PayloadCodec } from '../../protocol/payload-codec.js';
import { ConnectionHooks } from './connection-hooks.js';
import { directInvoker } from './direct-invoker.js';
import { EntrySchemas } from './entry-schemas.js';
import { enhancedInvoker, scopedInvoker } from './enhanced-invoker.js';
import type { GatewayDefinition, HandlerDefinition } from './gateway-explorer.js';
import { GatewayDispatcher } from './gateway-dispatcher.js';
import { withoutGlobalEnhancers } from '../internals/without-global-enhancers.js';
import { createHandshakeGuards } from './handshake-guards.js';
import { throughInstance } from './gateway-instance.js';
import { HttpEnhancers } from './http-enhancers.js';
import type { Invoker } from './invoker.js';
import type { NestContext } from './nest-context.js';
import { Recovery } from './recovery.js';
import { Route } from './route.js';
import { RoutingTable } from './routing-table.js';
import { isEnhanced } from './is-enhanced.js';
import { StreamRoute } from './stream-route.js';

/** A gateway on a server, and the codec of its handlers that have no codec of their own. */
export interface ServedGateway {
  readonly definition: GatewayDefinition;
  readonly codec: PayloadCodec | undefined;
  /** True if global enhancers apply to its handlers. */
  readonly hasGlobalEnhancers: boolean;
}

/**
 * Builds the dispatcher of a server, once for all its connections.
 *
 * @param prepare Called with each gateway instance that is made for one message.
 * @throws Error if two handlers take the same messages, or a handshake guard has no method `canActivate`.
 */
export function createDispatcher(
  application: NestContext,
  gateways: readonly ServedGateway[],
  prepare: (gateway: GatewayDefinition, instance: object) => void,
  logger: ServerLogger,
): GatewayDispatcher {
  const routes = new RoutingTable();
  const hooks = new ConnectionHooks(logger);
  for (const { definition, codec, hasGlobalEnhancers } of gateways) {
    const nest = hasGlobalEnhancers ? application : withoutGlobalEnhancers(application);
    const prepareInstance = (instance: object) => prepare(definition, instance);
    hooks.add(definition, prepareInstance);
    for (const handler of definition.handlers) {
      const label = `${definition.name}.${handler.methodName}`;
      const schemas = handler.entry && new EntrySchemas(handler.entry, label, logger);
      const invoke = createInvoker(nest, definition, handler, prepareInstance, logger, schemas);
      const isStream = handler.kind === 'stream';
      const RouteClass = isStream ? StreamRoute : Route;
      const route = handler.target === 'fallback' ? undefined : handler.target.name;
      const info = { gateway: definition.name, handler: handler.methodName, route, isStream };
      const used = handler.codec ?? codec ?? plainCodec;
      routes.add(handler, new RouteClass(label, info, definition.module.name, used, invoke, logger, schemas));
    }
  }
  const authorize = createHandshakeGuards(gateways.map(({ definition }) => definition));
  return new GatewayDispatcher(routes, hooks, logger, authorize);
}

function createInvoker(
  nest: NestContext,
  gateway: GatewayDefinition,
  handler: HandlerDefinition,
  prepare: (instance: object) => void,
  logger: ServerLogger,
  schemas: EntrySchemas | undefined,
): Invoker {
  const recovery = new Recovery(nest, gateway, handler, logger, schemas);
  const httpEnhancers = new HttpEnhancers(`${gateway.name}.${handler.methodName}`, logger);
  if (!gateway.wrapper.isDependencyTreeStatic()) {
    return scopedInvoker(nest, gateway, handler, prepare, recovery, httpEnhancers, schemas);
  }
  const instance = gateway.wrapper.instance as object;
  if (isEnhanced(nest, gateway, handler)) {
    return enhancedInvoker(nest, gateway, throughInstance(instance, handler), recovery, httpEnhancers, schemas);
  }
  return directInvoker(instance, throughInstance(instance, handler), schemas);
}
