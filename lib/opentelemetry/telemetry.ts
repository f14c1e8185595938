import type { Histogram, Meter, Tracer } from '@opentelemetry/api';

/** What spans and measurements are made with. A program may replace it after its start. */
export interface Telemetry {
  tracer: Tracer;
  meter: Meter;
  serverDuration: Histogram;
  clientDuration: Histogram;
}
