// docs/observability.md
import * as Sentry from '@sentry/node';
import type { MessageTracing } from 'nestjs-webwire';
import { WebwireInstrumentation } from 'nestjs-webwire/opentelemetry';
import { subscribe } from 'node:diagnostics_channel';

declare const dsn: string;

// block 6
