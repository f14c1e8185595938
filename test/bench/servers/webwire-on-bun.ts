// The first, as it keeps the requests of the benchmark that arrive before Nest is loaded.
import { report } from './report.js';
import { NestFactory } from '@nestjs/core';
import { MessageBody, WebSocketServer } from '@nestjs/websockets';
import {
  WebwireGateway,
  WebwireModule,
  WebwireRequest,
  WebwireService,
  WebwireSignal,
  WsTransport,
  type WebwireServer,
} from 'nestjs-webwire';
import { BunTransport } from 'nestjs-webwire/bun';
import { NEWS } from '../exchanges.js';
import { newsPerGo } from './nest-server.js';

@WebwireGateway()
class Gateway {
  @WebSocketServer() server!: WebwireServer;

  constructor(private readonly service: WebwireService) {}

  @WebwireRequest('echo')
  echo(@MessageBody() body: Buffer | string): Buffer | string {
    return body;
  }
  @WebwireSignal('note')
  note(): void {}
  @WebwireSignal('go')
  go(): void {
    for (let sent = 0; sent < newsPerGo; sent++) this.service.broadcast('news', NEWS);
  }
}

class BenchModule {}

const transport = process.argv[2] === 'bun-transport' ? new BunTransport() : new WsTransport();
const webwire = WebwireModule.forRoot({ gateways: { Gateway: { port: 0, transport } } });
const app = await NestFactory.create(
  { module: BenchModule, imports: [webwire], providers: [Gateway] },
  { logger: false },
);
await app.init();
report(app.get(Gateway).server.address);
