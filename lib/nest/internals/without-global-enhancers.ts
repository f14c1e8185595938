import { ApplicationConfig } from '@nestjs/core';
import type { NestContext } from '../handlers/nest-context.js';
import { assertNestParts } from './assert-nest-parts.js';

/** A part of Nest that finds the enhancers of one kind. */
interface Finder {
  readonly getGlobalMetadata: (...args: unknown[]) => unknown[];
}

const FINDERS = ['guardsContextCreator', 'interceptorsContextCreator', 'pipesContextCreator'] as const;

/**
 * The same parts of Nest, but they find only the guards, interceptors, pipes and filters of gateways and handlers.
 *
 * Why: `globalEnhancers: false`. Nest's own WebSocket adapters leave global enhancers out in the same way: they build their
 * finders without the configuration of the application.
 *
 * Relies on: the fields of `ExternalContextCreator` that find enhancers, which call their method `getGlobalMetadata()`. The new
 * parts inherit from Nest's, which HTTP uses.
 *
 * If Nest changes it: the start fails if a part is missing. If Nest no longer calls `getGlobalMetadata()`,
 * `test/nest/handlers/global-enhancers.spec.ts` fails.
 *
 * @throws Error if this version of Nest lacks one of these parts.
 */
export function withoutGlobalEnhancers(nest: NestContext): NestContext {
  const { contextCreator, filters } = nest;
  const finders = contextCreator as unknown as Partial<Record<(typeof FINDERS)[number], Partial<Finder>>>;
  assertNestParts({
    ...Object.fromEntries(
      FINDERS.map((name) => [`ExternalContextCreator.${name}.getGlobalMetadata()`, finders[name]?.getGlobalMetadata]),
    ),
    'ExternalContextCreator.filtersContextCreator.getGlobalMetadata()': (filters as Partial<Finder>).getGlobalMetadata,
  });
  const local = Object.fromEntries(FINDERS.map((name) => [name, withoutGlobals(finders[name] as Finder)]));
  return {
    modules: nest.modules,
    // It has no global enhancers.
    config: new ApplicationConfig(),
    contextCreator: Object.assign<typeof contextCreator, object>(
      Object.create(contextCreator) as typeof contextCreator,
      local,
    ),
    filters: withoutGlobals(filters),
  };
}

function withoutGlobals<Part extends object>(finder: Part): Part {
  return Object.create(finder, { getGlobalMetadata: { value: () => [] } }) as Part;
}
