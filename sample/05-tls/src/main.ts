import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { AdminGateway } from './admin.gateway.js';
import { AppModule } from './app.module.js';
import { authority, configuration } from './configuration.js';

// The certificate of the authority is public. The client needs it to verify the servers.
await writeFile(process.env.CA_FILE ?? 'ca.pem', authority);

const app = await NestFactory.create(AppModule, { httpsOptions: configuration().tls });
app.enableShutdownHooks();
await app.listen(process.env.PORT ?? 3000);

const urls = [app.getHttpServer().address(), app.get(AdminGateway).server.address].map(
  (address) => `wss://localhost:${(address as AddressInfo).port}`,
);
new Logger('Tls').log(`WebWire at ${urls.join(' and ')} - talk to it with: npm run client -- ${urls.join(' ')}`);
