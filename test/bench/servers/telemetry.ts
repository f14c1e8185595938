import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, SimpleSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import { WebwireInstrumentation } from 'nestjs-webwire/opentelemetry';
import { subscribe } from 'node:diagnostics_channel';

/** Subscribes to all that happens to requests, and does nothing. */
export function subscribeToRequests(): void {
  for (const event of ['start', 'end', 'asyncStart', 'asyncEnd', 'error']) {
    subscribe(`tracing:nestjs-webwire:request:${event}`, () => undefined);
  }
}

/** Collects nothing by itself. */
class IdleReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** Makes spans of all messages, and metrics, with the SDK of OpenTelemetry. An exporter that does nothing gets the spans. */
export function makeSpansAndMetrics(): void {
  const exporter: SpanExporter = {
    export: (_spans, done) => done({ code: 0 }),
    shutdown: () => Promise.resolve(),
  };
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  registerInstrumentations({
    instrumentations: [new WebwireInstrumentation()],
    tracerProvider: new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
    meterProvider: new MeterProvider({ readers: [new IdleReader()] }),
  });
}
