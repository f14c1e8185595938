import type { ApplicationConfig } from '@nestjs/core';
import type { InstanceWrapper } from './nest-internals.js';

/**
 * The request-scoped and transient enhancers that `APP_GUARD`, `APP_INTERCEPTOR`, `APP_PIPE` and `APP_FILTER` provide.
 */
export function globalScopedEnhancers(config: ApplicationConfig): InstanceWrapper[] {
  return [
    ...config.getGlobalRequestGuards(),
    ...config.getGlobalRequestInterceptors(),
    ...config.getGlobalRequestPipes(),
    ...config.getGlobalRequestFilters(),
  ];
}

/**
 * Makes a gateway depend on the global enhancers that are made for each request or for each class.
 *
 * Why: Nest applies them to "entry providers" only, which `@WebwireGateway()` makes of a gateway that is provided by its own
 * class. `@WebSocketGateway()` does not. Without this, a global guard would run without its constructor, or not at all.
 *
 * Relies on: `InstanceWrapper.addEnhancerMetadata()`, which Nest's scanner calls in the same way, and `id`, which a wrapper
 * shares with its copies.
 *
 * If Nest changes it: the start fails if the method is missing. If it has no effect, the rows about an application in
 * `test/nest/handlers/scoped-enhancers.spec.ts` fail.
 */
export function attachGlobalScopedEnhancers(config: ApplicationConfig, gateway: InstanceWrapper): void {
  const attached = new Set((gateway.getEnhancersMetadata() ?? []).map(({ id }) => id));
  for (const enhancer of globalScopedEnhancers(config)) {
    if (!attached.has(enhancer.id)) gateway.addEnhancerMetadata(enhancer);
  }
}

/**
 * Makes Nest find out again if a gateway and its enhancers depend on anything request-scoped.
 *
 * Why: some versions of Nest, such as 11.0.8 and 12.0.1, keep the answer from the time at which they make the gateway. They have
 * not read the dependencies of the enhancers yet, so a guard that depends on a request-scoped provider would run without its
 * constructor.
 *
 * Relies on: `isTreeStatic` and `isTreeDurable` of `InstanceWrapper`, which keep the answers.
 *
 * If Nest changes it: the rows about request-scoped rules in `test/nest/handlers/scoped-enhancers.spec.ts` fail.
 */
export function forgetScope(gateway: InstanceWrapper): void {
  for (const wrapper of [gateway, ...(gateway.getEnhancersMetadata() ?? [])]) {
    Object.assign(wrapper, { isTreeStatic: undefined, isTreeDurable: undefined });
  }
}
