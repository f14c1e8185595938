import { createTraceState, TraceFlags, type SpanContext } from '@opentelemetry/api';

/** W3C Trace Context. Version `ff` and IDs of zeros are invalid; later versions may have more parts. */
const PARENT_PATTERN = /^(?!ff)[\da-f]{2}-((?!0{32})[\da-f]{32})-((?!0{16})[\da-f]{16})-([\da-f]{2})(?:$|-)/;

/** Longest traceparent, in characters. Version 00 has 55. */
const LONGEST_PARENT = 128;

/**
 * Reads the context of a span in another process.
 * @returns `undefined` without a valid `traceparent`.
 */
export function readRemoteSpan(traceparent: unknown, tracestate: unknown): SpanContext | undefined {
  if (typeof traceparent !== 'string' || traceparent.length > LONGEST_PARENT) return undefined;
  const [, traceId, spanId, flags] = PARENT_PATTERN.exec(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
    isRemote: true,
    // It ignores what is not valid.
    ...(typeof tracestate === 'string' && tracestate !== '' && { traceState: createTraceState(tracestate) }),
  };
}

/** Writes the context of a span for another process. @returns `undefined` if the span is not sampled. */
export function writeTraceContext(
  span: SpanContext | undefined,
): { traceparent: string; tracestate?: string } | undefined {
  if (!span || (span.traceFlags & TraceFlags.SAMPLED) === 0) return undefined;
  const tracestate = span.traceState?.serialize();
  return { traceparent: `00-${span.traceId}-${span.spanId}-01`, ...(tracestate && { tracestate }) };
}
