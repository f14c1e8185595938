// docs/platforms.md
import type { INestApplication } from '@nestjs/common';
import { WebwireClient } from 'nestjs-webwire/client';

declare const app: INestApplication;

// block 1

// block 2
