import type { Histogram, Meter, Tracer } from '@opentelemetry/api';

/** The tracer and the instruments of the program, which may replace them at any time. */
export interface Telemetry {
  tracer: Tracer;
  meter: Meter;
  serverDuration: Histogram;
  clientDuration: Histogram;
}
