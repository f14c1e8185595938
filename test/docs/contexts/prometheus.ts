// docs/observability.md
import type { MessageTracing } from 'nestjs-webwire';
import { Histogram } from 'prom-client';

declare const kind: string;

class Metrics {
  // block 5
}
