import {
  GUARDS_METADATA,
  INTERCEPTORS_METADATA,
  PIPES_METADATA,
  EXCEPTION_FILTERS_METADATA,
} from '../internals/nest-internals.js';
import { globalScopedEnhancers } from '../internals/scoped-enhancers.js';
import type { GatewayDefinition, HandlerDefinition } from './gateway-explorer.js';
import type { NestContext } from './nest-context.js';
import { reflectParameters } from './parameters.js';

const ENHANCERS = [GUARDS_METADATA, INTERCEPTORS_METADATA, PIPES_METADATA, EXCEPTION_FILTERS_METADATA];

/** Returns `true` if a guard, interceptor, pipe or filter of the handler, of its gateway or a global one applies. */
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
    ...globalScopedEnhancers(config),
  ];
  return (
    globals.length > 0 ||
    targets.some((target) => ENHANCERS.some((key) => Reflect.getMetadata(key, target)?.length > 0)) ||
    reflectParameters(wrapper.instance as object, methodName).arePiped
  );
}
