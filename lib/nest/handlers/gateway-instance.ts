import { stackOf, type ServerLogger } from '../../common/logger.js';
import type { GatewayDefinition } from './gateway-explorer.js';

/** Sets the properties decorated with `@WebSocketServer()`, as Nest does for gateways that live all along. */
export function assignServer({ serverProperties }: GatewayDefinition, instance: object, server: unknown): void {
  for (const property of serverProperties) Reflect.set(instance, property, server);
}

/** Nest calls `afterInit` where an exception or rejection would end the process; this one is logged instead. */
export function guardAfterInit({ name, wrapper }: GatewayDefinition, logger: ServerLogger): void {
  const instance = wrapper.instance as { afterInit?: (server: unknown) => unknown };
  const { afterInit } = instance;
  if (typeof afterInit !== 'function') return;
  const guarded = async (server: unknown): Promise<void> => {
    try {
      await afterInit.call(instance, server);
    } catch (error) {
      logger.error(`${name}.afterInit failed`, stackOf(error));
    }
  };
  Object.defineProperty(instance, 'afterInit', { value: guarded, configurable: true, writable: true });
}
