import { context, SpanStatusCode, type SpanKind, type Attributes } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { registerInstrumentations, type Instrumentation } from '@opentelemetry/instrumentation';
import { DataPointType, MeterProvider, MetricReader, type HistogramMetricData } from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
  type Sampler,
  type Span,
} from '@opentelemetry/sdk-trace-base';

class Reader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/** A data point of a metric: of a histogram, the number of its values. */
export interface Point {
  readonly name: string;
  readonly unit: string;
  readonly attributes: Attributes;
  readonly value: number;
}

/** The SDK of OpenTelemetry with exporters that keep what they get. */
export class TestTelemetry {
  readonly #exporter = new InMemorySpanExporter();
  readonly #reader = new Reader();
  readonly #meters = new MeterProvider({ readers: [this.#reader] });
  readonly #contexts = new AsyncLocalStorageContextManager().enable();
  readonly #tracers: BasicTracerProvider;
  readonly #unregister: () => void;
  /** The number of spans that have begun and not ended. */
  open = 0;
  readonly #waiting = new Set<() => void>();

  constructor(instrumentation: Instrumentation, sampler?: Sampler) {
    const counter = {
      onStart: () => void this.open++,
      onEnd: () => {
        this.open--;
        for (const look of this.#waiting) look();
      },
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    };
    const spanProcessors = [new SimpleSpanProcessor(this.#exporter), counter];
    this.#tracers = new BasicTracerProvider({ spanProcessors, ...(sampler && { sampler }) });
    context.setGlobalContextManager(this.#contexts);
    this.#unregister = registerInstrumentations({
      instrumentations: [instrumentation],
      tracerProvider: this.#tracers,
      meterProvider: this.#meters,
    });
  }

  async close(): Promise<void> {
    this.#unregister();
    context.disable();
    await this.#tracers.shutdown();
    await this.#meters.shutdown();
  }

  /** A span of the application. */
  startSpan(name: string): Span {
    return this.#tracers.getTracer('application').startSpan(name) as Span;
  }

  get tracer() {
    return this.#tracers.getTracer('application');
  }

  get ended(): readonly ReadableSpan[] {
    return this.#exporter.getFinishedSpans();
  }

  /** Resolves with the first span of this name, and kind, that has ended. */
  span(name: string, kind?: SpanKind): Promise<ReadableSpan> {
    const find = () => this.ended.find((span) => span.name === name && (kind === undefined || span.kind === kind));
    return new Promise((resolve) => {
      const look = () => {
        const span = find();
        if (!span) return;
        this.#waiting.delete(look);
        resolve(span);
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** The current values of a metric. */
  async points(name: string): Promise<Point[]> {
    const { resourceMetrics } = await this.#reader.collect();
    return resourceMetrics.scopeMetrics
      .flatMap(({ metrics }) => metrics)
      .filter(({ descriptor }) => descriptor.name === name)
      .flatMap(({ descriptor, dataPoints, dataPointType }) =>
        dataPoints.map(({ attributes, value }) => ({
          name: descriptor.name,
          unit: descriptor.unit,
          attributes,
          value: dataPointType === DataPointType.HISTOGRAM ? (value as { count: number }).count : (value as number),
        })),
      );
  }

  /** The bounds of the buckets of a histogram. */
  async boundaries(name: string): Promise<number[]> {
    const { resourceMetrics } = await this.#reader.collect();
    const found = resourceMetrics.scopeMetrics
      .flatMap(({ metrics }) => metrics)
      .find(({ descriptor }) => descriptor.name === name) as HistogramMetricData;
    return found.dataPoints[0]!.value.buckets.boundaries;
  }
}

export function isError({ status }: ReadableSpan): boolean {
  return status.code === SpanStatusCode.ERROR;
}
