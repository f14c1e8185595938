// docs/transports.md
import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  MemoryTransport,
  WebwireGateway,
  WebwireModule as Original,
  WebwireRequest,
  WsTransport,
} from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { decodeMessage } from 'nestjs-webwire/protocol';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocket as Ws } from 'ws';

const imports: DynamicModule[] = [];
/** Takes the module of the page into the application. */
const WebwireModule = {
  forRoot: (options: Parameters<typeof Original.forRoot>[0]) =>
    imports.push(Original.forRoot({ sessions: false, ...options })),
};

// block 1

@WebwireGateway()
class Gateway {
  @WebwireRequest('text') text() {
    return 'WebWire'.repeat(1_000);
  }
}

@Module({ imports, providers: [Gateway] })
class CompressedModule {}
{
  const app = await NestFactory.create(CompressedModule, { logger: ['error', 'warn'] });
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  let socket: Ws & { _socket?: Socket };
  class CompressingSocket extends Ws {
    constructor(url: string) {
      super(url, { perMessageDeflate: true });
      socket = this;
    }
  }
  const client = new WebwireClient(`ws://127.0.0.1:${port}`, { webSocket: CompressingSocket });
  const { length } = (await client.request('text')).bytes;
  console.log(length, 'bytes in fewer:', socket!._socket!.bytesRead < length / 2);
  await client.close();
  await app.close();
}

// block 2, lines 1 to 1

@Module({ imports: [Original.forRoot({ transport, sessions: false })], providers: [Gateway] })
class MemoryModule {}

const app = await NestFactory.create(MemoryModule, { logger: ['error', 'warn'] });
await app.init();

// block 2, lines 2 to 3

await once(socket, 'message');
socket.close();
await app.close();

// Prints:
// 7000 bytes in fewer: true
// {
//   type: 23,
//   majorVersion: 2,
//   minorVersion: 0,
//   readTimeout: 60000,
//   messageBufferSize: 8192,
//   subProtocolName: ''
// }
