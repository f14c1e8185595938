// docs/deployment.md
import { WebwireModule } from 'nestjs-webwire';
import { ServerShutdownError, WebwireClient } from 'nestjs-webwire/client';

declare const client: WebwireClient;

// block 1

// block 2

void send;
