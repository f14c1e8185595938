// docs/gateways.md
import 'reflect-metadata';
import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { WebwireAdapter, WebwireGateway, WebwireModule, WebwireRequest, WebwireService } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { generate } from 'selfsigned';
import { WebSocket as Ws } from 'ws';

class Base {
  @WebwireRequest('who') who() {
    return this.constructor.name;
  }
}

// block 1, lines 1 to 1
class MainGateway extends Base {}

// block 1, lines 2 to 2
class AdminGateway extends Base {}

// block 1, lines 3 to 3
class PortGateway extends Base {}

// block 1, lines 4 to 4
class LargeGateway extends Base {}

const authority = await generate([{ name: 'commonName', value: 'localhost' }], { algorithm: 'sha256' });
writeFileSync('key.pem', authority.private);
writeFileSync('cert.pem', authority.cert);

// block 4
class SecureGateway extends Base {}

rmSync('key.pem');
rmSync('cert.pem');

/** @param gateways The configuration by name precedes the decorator: so the port of the page is not opened. */
async function start(providers: Type[], gateways: Record<string, { port: number }>) {
  @Module({ imports: [WebwireModule.forRoot({ gateways, sessions: false })], providers })
  class AppModule {}

  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
  await app.listen(0, '127.0.0.1');
  const servers = providers.map((gateway) => app.get(WebwireService).serverOf(gateway)!);
  return { app, servers, ports: servers.map(({ address }) => (address as AddressInfo).port) };
}

class Socket extends Ws {
  constructor(url: string) {
    super(url, { rejectUnauthorized: false });
  }
}

async function ask(url: string, name = 'who', body = ''): Promise<string> {
  const client = new WebwireClient(url, { webSocket: Socket });
  const reply = await client.request(name, body);
  await client.close();
  return reply.text();
}

{
  const { app, ports } = await start([MainGateway, AdminGateway], {});
  const { port } = app.getHttpServer().address() as AddressInfo;
  console.log(
    await ask(`ws://127.0.0.1:${port}`),
    await ask(`ws://127.0.0.1:${port}/admin`),
    new Set([port, ...ports]).size,
  );
  await app.close();
}
for (const [gateway, scheme] of [
  [PortGateway, 'ws'],
  [LargeGateway, 'ws'],
  [SecureGateway, 'wss'],
] as const) {
  const { app, servers, ports } = await start([gateway], { [gateway.name]: { port: 0 } });
  const isOwn = ports[0] !== (app.getHttpServer().address() as AddressInfo).port;
  const { messageBufferSize } = servers[0]!.options;
  console.log(await ask(`${scheme}://localhost:${ports[0]}`), 'on a port of its own:', isOwn, messageBufferSize);
  await app.close();
}

@WebSocketGateway()
class OldGateway {
  @SubscribeMessage('say') say(@MessageBody() text: string) {
    return text.toUpperCase();
  }
}

@Module({ providers: [OldGateway] })
class OldModule {}

{
  const app = await NestFactory.create(OldModule, { logger: ['error', 'warn'] });
  // block 2
  await app.listen(0, '127.0.0.1');
  console.log(await ask(`ws://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`, 'say', 'hello'));
  await app.close();
}

// Prints:
// MainGateway AdminGateway 1
// PortGateway on a port of its own: true 8192
// LargeGateway on a port of its own: true 65536
// SecureGateway on a port of its own: true 8192
// HELLO
