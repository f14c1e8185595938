import type { ApplicationConfig } from '@nestjs/core';
import {
  GUARDS_METADATA,
  INTERCEPTORS_METADATA,
  PIPES_METADATA,
  EXCEPTION_FILTERS_METADATA,
} from '@nestjs/common/internal';
import type { InstanceWrapper } from '@nestjs/core/internal';
import { WEBWIRE_GATEWAY } from '../decorators/metadata.js';
import type { GatewayDefinition, HandlerDefinition } from './gateway-explorer.js';
import type { NestContext } from './nest-context.js';
import { reflectParameters } from './parameters.js';

const ENHANCERS = [GUARDS_METADATA, INTERCEPTORS_METADATA, PIPES_METADATA, EXCEPTION_FILTERS_METADATA];

/** Whether a handler of the gateway runs in a context of its own for each message. */
export function isScoped({ config }: NestContext, { wrapper }: GatewayDefinition): boolean {
  return !wrapper.isDependencyTreeStatic() || globalScopedEnhancers(config).length > 0;
}

/** Whether a guard, interceptor, pipe or filter applies to a handler: its own, its gateway's or a global one. */
export function isEnhanced(
  { config }: NestContext,
  { wrapper }: GatewayDefinition,
  { callback, methodName }: HandlerDefinition,
): boolean {
  const targets = [wrapper.metatype as object, callback];
  const globals = [
    ...config.getGlobalGuards(),
    ...config.getGlobalInterceptors(),
    ...config.getGlobalPipes(),
    ...config.getGlobalFilters(),
  ];
  return (
    globals.length > 0 ||
    targets.some((target) => ENHANCERS.some((key) => Reflect.getMetadata(key, target)?.length > 0)) ||
    reflectParameters(wrapper.instance as object, methodName).arePiped
  );
}

/**
 * Nest attaches request-scoped global enhancers to "entry providers", as `@WebwireGateway()` makes them. Plain
 * gateways get them here, or a guard would silently not run.
 */
export function attachGlobalScopedEnhancers({ config }: NestContext, { wrapper }: GatewayDefinition): void {
  if (Reflect.getMetadata(WEBWIRE_GATEWAY, wrapper.metatype!)) return;
  for (const enhancer of globalScopedEnhancers(config)) wrapper.addEnhancerMetadata(enhancer);
}

function globalScopedEnhancers(config: ApplicationConfig): InstanceWrapper[] {
  return [
    ...config.getGlobalRequestGuards(),
    ...config.getGlobalRequestInterceptors(),
    ...config.getGlobalRequestPipes(),
    ...config.getGlobalRequestFilters(),
  ];
}
