import { trace, type Span } from '@opentelemetry/api';
import { writeTraceContext } from './trace-context.js';

/** The span of the call of a client that is being made. */
let current: Span | undefined;

/** Makes a call of a client, whose message then belongs to the span. */
export function callWithin<Result>(span: Span, call: () => Result): Result {
  const outer = current;
  current = span;
  try {
    return call();
  } finally {
    current = outer;
  }
}

/**
 * For the option `trace` of a `WebwireClient`: returns the trace context of the client's span, else that of the active span, so that the
 * span of the server is its child. `undefined` if there is no span, or it is not sampled.
 * @example const client = new WebwireClient('ws://localhost:3000', { trace: activeTraceContext });
 */
export function activeTraceContext(): { traceparent: string; tracestate?: string } | undefined {
  return writeTraceContext((current ?? trace.getActiveSpan())?.spanContext());
}
