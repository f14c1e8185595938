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
 * Makes a plain gateway depend on the global enhancers that are made for each request.
 *
 * Why: Nest applies them to "entry providers" only, which `@WebwireGateway()` makes of a gateway and `@WebSocketGateway()`
 * does not. Without this, a global guard would silently not run.
 *
 * Relies on: `InstanceWrapper.addEnhancerMetadata()`, which Nest's scanner calls in the same way. `isTreeStatic` caches
 * whether a wrapper depends on anything request-scoped; Nest 11 does not reset it.
 *
 * If Nest changes it: the start fails if the method is missing. If it has no effect, the rows about global request-scoped
 * guards in `test/nest/handlers/enhancers.spec.ts` fail.
 */
export function attachGlobalScopedEnhancers(config: ApplicationConfig, wrapper: InstanceWrapper): void {
  const enhancers = globalScopedEnhancers(config);
  if (enhancers.length === 0) return;
  for (const enhancer of enhancers) wrapper.addEnhancerMetadata(enhancer);
  Object.assign(wrapper, { isTreeStatic: undefined });
}
