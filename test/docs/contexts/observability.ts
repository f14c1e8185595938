// docs/observability.md
import { WebwireConnection, WebwireGateway, WebwireRequest, WebwireServer, type MessageTracing } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { activeTraceContext } from 'nestjs-webwire/opentelemetry';
import { tracingChannel } from 'node:diagnostics_channel';
import { RequestError } from 'nestjs-webwire';
import { serve } from './serve.js';

@WebwireGateway()
class AuthGateway {
  private readonly metrics = { dropped(_connection: WebwireConnection['id'], _bytes: number): void {} };

  // block 1

  @WebwireRequest('auth') auth() {
    throw new RequestError('WRONG_CREDENTIALS');
  }
}

const app = await serve({ providers: [AuthGateway] });

// block 2

// block 3

await client.request('auth').catch(() => undefined);
await client.close();
await app.close();

// Prints:
// AuthGateway.auth: refused WRONG_CREDENTIALS
