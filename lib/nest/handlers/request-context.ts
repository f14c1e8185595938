import { ContextIdFactory, type ContextId } from '@nestjs/core';
import { moduleRefOf } from '../internals/module-order.js';
import type { InstanceWrapper, Module } from '../internals/nest-internals.js';

/** A request-scoped gateway or guard, and the module that has it. */
interface ScopedHost {
  readonly wrapper: InstanceWrapper;
  readonly module: Module;
}

/**
 * Opens a context for request-scoped instances. As in Nest's own gateways, `REQUEST` is the connection, and context
 * strategies get it.
 *
 * @param request The connection, or the upgrade request for handshake guards.
 */
export function createContext({ wrapper, module }: ScopedHost, request: object): ContextId {
  const contextId = ContextIdFactory.getByRequest(request as never);
  const { payload } = contextId as { payload?: object };
  const isDurable = wrapper.isDependencyTreeDurable();
  if (payload && !isDurable) assignNew(request, payload);
  moduleRefOf(module).registerRequestByContextId(payload && isDurable ? payload : request, contextId);
  return contextId;
}

/** Nest assigns the payload of a strategy to its client. Here it must not replace properties of a connection. */
function assignNew(target: object, source: object): void {
  for (const [name, value] of Object.entries(source)) if (!(name in target)) Reflect.set(target, name, value);
}
