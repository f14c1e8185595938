// docs/observability.md
import { context, SpanKind } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { registerInstrumentations, type Instrumentation } from '@opentelemetry/instrumentation';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { RequestError, WebwireGateway, WebwireRequest } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { activeTraceContext } from 'nestjs-webwire/opentelemetry';
import { serve } from './serve.js';

const spans = new InMemorySpanExporter();
const metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
const reader = new PeriodicExportingMetricReader({ exporter: metrics, exportIntervalMillis: 2 ** 30 });
const meterProvider = new MeterProvider({ readers: [reader] });
let end: () => void;

/** The part of `@opentelemetry/sdk-node` that the page uses, with exporters that keep what they get. */
class NodeSDK {
  constructor(private readonly options: { readonly instrumentations: Instrumentation[] }) {}

  start(): void {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    end = registerInstrumentations({ ...this.options, tracerProvider, meterProvider });
  }
}
// block 4

@WebwireGateway()
class Gateway {
  @WebwireRequest('greet') greet() {
    return 'hello';
  }
  @WebwireRequest('refuse') refuse() {
    throw new RequestError('NOT_NOW');
  }
}

const app = await serve({ providers: [Gateway] });
const client = new WebwireClient('ws://localhost:3000', { trace: activeTraceContext });
await client.request('greet');
await client.request('greet');
await client.request('refuse').catch(() => undefined);
await client.close();
await app.close();
for (const { name, kind, attributes, parentSpanContext } of spans.getFinishedSpans()) {
  console.log(
    SpanKind[kind],
    name,
    attributes['error.type'] ?? 'succeeded',
    parentSpanContext ? 'with a parent' : 'without a parent',
  );
}
await meterProvider.forceFlush();
const [measured] = metrics.getMetrics();
console.log(measured!.scopeMetrics.flatMap((scope) => scope.metrics.map(({ descriptor }) => descriptor.name)));
end!();
context.disable();
await meterProvider.shutdown();
await tracerProvider.shutdown();
{
  /** Of `@opentelemetry/exporter-prometheus`. */
  class PrometheusExporter {
    constructor(readonly options: { readonly port: number }) {}
  }
  class NodeSDK {
    constructor(
      private readonly options: { readonly instrumentations: Instrumentation[]; readonly metricReaders: object[] },
    ) {}
    start(): void {
      console.log(this.options.metricReaders);
      for (const instrumentation of this.options.instrumentations) instrumentation.disable();
    }
  }
  // block 5
}

// Prints:
// SERVER greet succeeded without a parent
// CLIENT greet succeeded without a parent
// SERVER greet succeeded with a parent
// CLIENT greet succeeded without a parent
// SERVER refuse NOT_NOW with a parent
// CLIENT refuse NOT_NOW without a parent
// [
//   'rpc.server.call.duration',
//   'rpc.client.call.duration',
//   'webwire.server.active_connections',
//   'webwire.server.active_sessions',
//   'webwire.server.connection.duration'
// ]
// [ PrometheusExporter { options: { port: 9464 } } ]
