import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import {
  WebwireConnection,
  WebwireGateway,
  WebwireModule,
  WebwireRequest,
  WebwireService,
  WebwireSignal,
} from 'nestjs-webwire';
import { RedisCluster } from 'nestjs-webwire/redis';
import { reportPort } from './report-port.js';

@WebwireGateway()
class Gateway {
  constructor(private readonly webwire: WebwireService) {}

  @WebwireRequest('join') async join(@ConnectedSocket() connection: WebwireConnection) {
    this.webwire.join(connection, 'room');
    await this.webwire.synchronized();
  }
  @WebwireSignal('say') say(@MessageBody() text: string) {
    this.webwire.signalGroup('room', 'said', text);
  }
  @WebwireRequest('echo') echo(@MessageBody() text: string) {
    return text;
  }
}

const { REDIS_URL: url } = process.env;
const cluster = url === undefined ? undefined : new RedisCluster({ url });

@Module({ imports: [WebwireModule.forRoot({ sessions: false, cluster })], providers: [Gateway] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
await app.listen(0, '127.0.0.1');
reportPort(app);
