// docs/gateways.md
import type { INestApplication } from '@nestjs/common';
import { WebwireAdapter, WebwireGateway } from 'nestjs-webwire';
import { readFileSync } from 'node:fs';

declare const app: INestApplication;

// block 1
class Gateway {}

// block 2

// block 3
class SecureGateway {}
