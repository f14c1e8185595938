// docs/compatibility.md
import 'reflect-metadata';
import { Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MemoryTransport, WebwireGateway, WebwireModule, WebwireRequest } from 'nestjs-webwire';
import { createTestClient } from 'nestjs-webwire/testing';

@WebwireGateway()
class Gateway {
  @WebwireRequest('greet') greet() {
    return 'Hello';
  }
}
@Module({
  imports: [WebwireModule.forRoot({ transport: new MemoryTransport(), sessions: false })],
  providers: [Gateway],
})
class AppModule {}

// The port of the page may be taken.
const { listen } = FastifyAdapter.prototype;
FastifyAdapter.prototype.listen = function (_port: unknown, ...others: unknown[]) {
  return (listen as (...args: unknown[]) => void).call(this, 0, ...others);
};
Logger.overrideLogger(['error', 'warn']);

// block 1

const client = createTestClient(app);
await client.connect();
console.log((await client.request('greet')).text(), app.getHttpAdapter().getType());
await app.close();

// Prints:
// Hello fastify
