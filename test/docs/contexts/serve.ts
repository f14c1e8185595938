// For the programs of this folder that can be run. It has no code of a page.
import 'reflect-metadata';
import { Module, type INestApplication, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MemoryTransport, WebwireModule } from 'nestjs-webwire';

/**
 * Starts an application. All WebSockets of the process lead to its gateways, whatever host and port their URLs have: so a program
 * keeps the URLs of its page, and opens no port.
 */
export async function serve(
  { imports = [], ...metadata }: ModuleMetadata,
  options: Parameters<typeof WebwireModule.forRoot>[0] = {},
): Promise<INestApplication> {
  const transport = new MemoryTransport();
  const module = WebwireModule.forRoot({ transport, sessions: false, ...options });

  @Module({ imports: [module, ...imports], ...metadata })
  class ServedModule {}

  const app = await NestFactory.create(ServedModule, { logger: ['error', 'warn'] });
  await app.init();
  globalThis.WebSocket = transport.webSocket as unknown as typeof WebSocket;
  return app;
}
