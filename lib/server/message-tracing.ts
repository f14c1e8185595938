import type { WebwireConnection } from './connection.js';
import type { WebwireServer } from './server.js';
import type { TracingContext } from './tracing/tracing-context.js';

/**
 * The object that events on the tracing channels of messages have.
 * @interface
 */
export type MessageTracing = TracingContext<WebwireServer, WebwireConnection>;
