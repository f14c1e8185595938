import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { AppModule } from './app.module.js';

/** Vite builds the page in `../web` into this folder. */
const PAGE = fileURLToPath(new URL('../page/', import.meta.url));

const app = await NestFactory.create<NestExpressApplication>(AppModule);
app.enableShutdownHooks();
app.useStaticAssets(PAGE, {
  setHeaders: (response) => response.setHeader('Content-Security-Policy', "default-src 'self'"),
});
await app.listen(process.env.PORT ?? 3000);

const { port } = app.getHttpServer().address() as AddressInfo;
new Logger('Poll').log(`Open http://localhost:${port}/ in a browser`);
