import type { GatewayDefinition, HandlerDefinition } from './gateway-explorer.js';

/** Sets the properties decorated with `@WebSocketServer()`, as Nest does for gateways that are made once. */
export function assignServer({ serverProperties }: GatewayDefinition, instance: object, server: unknown): void {
  for (const property of serverProperties) Reflect.set(instance, property, server);
}

/**
 * The handler with a method that calls that of the instance, if the instance is a proxy with another one: the option `instrument` of
 * `NestFactory.create()` may make such proxies, whose class has private members that only the proxied object has. The method has
 * the metadata of the one of the class.
 */
export function throughInstance<Handler extends HandlerDefinition>(instance: object, handler: Handler): Handler {
  const { callback, methodName } = handler;
  const { [methodName]: method } = instance as Record<string, unknown>;
  if (method === callback || typeof method !== 'function' || Object.hasOwn(instance, methodName)) return handler;
  const routed = (...args: unknown[]): unknown => Reflect.apply(method, instance, args);
  Object.defineProperty(routed, 'name', { value: callback.name });
  return { ...handler, callback: Object.setPrototypeOf(routed, callback) as HandlerDefinition['callback'] };
}
