// docs/observability.md
import type { WebwireConnection, WebwireServer, MessageTracing } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { activeTraceContext } from 'nestjs-webwire/opentelemetry';
import { tracingChannel } from 'node:diagnostics_channel';

class Gateway {
  private readonly metrics = { dropped(_connection: WebwireConnection['id'], _bytes: number): void {} };

  // block 1
}

// block 2

// block 3
