import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AddressInfo } from 'node:net';
import { BrokerModule } from './broker.module.js';

const app = await NestFactory.create(BrokerModule);
app.enableShutdownHooks();
await app.listen(process.env.PORT ?? 3000);

const { port } = app.getHttpServer().address() as AddressInfo;
const url = `ws://localhost:${port}`;
new Logger('Broker').log(`Topics at ${url} - publish with: npm run station:pubsub -- ${url}`);
