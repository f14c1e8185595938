// docs/observability.md
import type { Instrumentation } from '@opentelemetry/instrumentation';

/** The part of `@opentelemetry/sdk-node` that the page uses. */
declare class NodeSDK {
  constructor(options: { instrumentations: Instrumentation[] });
  start(): void;
}

// block 4
