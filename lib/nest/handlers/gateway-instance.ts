import type { GatewayDefinition } from './gateway-explorer.js';

/** Sets the properties decorated with `@WebSocketServer()`, as Nest does for gateways that are made once. */
export function assignServer({ serverProperties }: GatewayDefinition, instance: object, server: unknown): void {
  for (const property of serverProperties) Reflect.set(instance, property, server);
}
