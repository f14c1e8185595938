// docs/deployment.md
import { NestFactory } from '@nestjs/core';
import { WebwireModule } from 'nestjs-webwire';
import { ServerShutdownError, WebwireClient } from 'nestjs-webwire/client';

declare const client: WebwireClient;

declare class AppModule {}

// block 1

// block 2

// block 3
