import { metrics, trace, type Meter, type MeterProvider, type TracerProvider } from '@opentelemetry/api';
import type { Instrumentation, InstrumentationConfig } from '@opentelemetry/instrumentation';
import { VERSION } from '../client/version.js';
import { ClientCalls } from './client-calls.js';
import { callDuration } from './conventions.js';
import { ServerCalls } from './server-calls.js';
import { ServerMetrics } from './server-metrics.js';
import type { Telemetry } from './telemetry.js';

const INSTRUMENTATION_NAME = 'nestjs-webwire';

/** Options of a `WebwireInstrumentation`. */
export interface WebwireInstrumentationConfig extends InstrumentationConfig {
  /**
   * Begins at once.
   * @default true
   */
  enabled?: boolean;
  /**
   * Names of requests, streams and signals that fallbacks take. In spans and metrics, `rpc.method` of any other message of a fallback is
   * `_OTHER`, as clients choose the name.
   * @default none
   */
  knownMethods?: readonly string[];
}

/**
 * Makes spans and metrics of WebWire servers and clients, by the semantic conventions for RPC of OpenTelemetry: for `registerInstrumentations()` of
 * `@opentelemetry/instrumentation`, or the option `instrumentations` of `NodeSDK`.
 *
 * It covers all servers and clients of the process, also those that were made before; such a server counts in `active_connections` and
 * `active_sessions` after its next message or event. The client's span becomes the parent of the
 * server's if the client has the option `trace: activeTraceContext`.
 */
export class WebwireInstrumentation implements Instrumentation<WebwireInstrumentationConfig> {
  readonly instrumentationName = INSTRUMENTATION_NAME;
  readonly instrumentationVersion = VERSION;
  #config: WebwireInstrumentationConfig;
  #isEnabled = false;
  readonly #telemetry: Telemetry;
  readonly #knownMethods = new Set<string>();
  readonly #serverCalls: ServerCalls;
  readonly #serverMetrics = new ServerMetrics();
  readonly #clientCalls: ClientCalls;

  constructor(config: WebwireInstrumentationConfig = {}) {
    this.#telemetry = {
      tracer: trace.getTracer(INSTRUMENTATION_NAME, VERSION),
      ...instrumentsOf(metrics.getMeter(INSTRUMENTATION_NAME, VERSION)),
    };
    this.#serverCalls = new ServerCalls(this.#telemetry, this.#knownMethods);
    this.#clientCalls = new ClientCalls(this.#telemetry);
    this.#config = this.#apply(config);
    if (this.#config.enabled) this.enable();
  }

  /** Begins to make spans and metrics. Does nothing if it has begun. */
  enable(): void {
    if (this.#isEnabled) return;
    this.#isEnabled = true;
    this.#serverCalls.start();
    this.#serverMetrics.start(this.#telemetry.meter);
    this.#clientCalls.start();
  }

  /** Stops. The spans of messages that a server still handles end now, those of clients when their calls are over. */
  disable(): void {
    if (!this.#isEnabled) return;
    this.#isEnabled = false;
    this.#serverCalls.stop();
    this.#serverMetrics.stop();
    this.#clientCalls.stop();
  }

  setTracerProvider(provider: TracerProvider): void {
    this.#telemetry.tracer = provider.getTracer(INSTRUMENTATION_NAME, VERSION);
  }

  setMeterProvider(provider: MeterProvider): void {
    Object.assign(this.#telemetry, instrumentsOf(provider.getMeter(INSTRUMENTATION_NAME, VERSION)));
    if (this.#isEnabled) this.#serverMetrics.start(this.#telemetry.meter);
  }

  getConfig(): WebwireInstrumentationConfig {
    return this.#config;
  }

  /** Replaces the options. `enabled` has no effect: call `enable()` or `disable()`. */
  setConfig(config: WebwireInstrumentationConfig = {}): void {
    this.#config = this.#apply(config);
  }

  #apply(config: WebwireInstrumentationConfig): WebwireInstrumentationConfig {
    this.#knownMethods.clear();
    for (const name of config.knownMethods ?? []) this.#knownMethods.add(name);
    return { enabled: true, ...config };
  }
}

function instrumentsOf(meter: Meter): Omit<Telemetry, 'tracer'> {
  return {
    meter,
    serverDuration: callDuration(meter, 'server'),
    clientDuration: callDuration(meter, 'client'),
  };
}
