import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { createAdapter, createShardedAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import { reportPort } from './report-port.js';

/** The members of socket.io that are used here. */
interface Room {
  emit(event: string, text: string): void;
}
interface IoServer {
  to(room: string): Room;
}
interface IoSocket {
  join(room: string): Promise<void> | void;
}

@WebSocketGateway({ transports: ['websocket'] })
class Gateway {
  @WebSocketServer() readonly server!: IoServer;

  @SubscribeMessage('join') async join(@ConnectedSocket() socket: IoSocket) {
    await socket.join('room');
    return 'joined';
  }
  @SubscribeMessage('say') say(@MessageBody() text: string) {
    this.server.to('room').emit('said', text);
  }
}

@Module({ providers: [Gateway] })
class AppModule {}

const { REDIS_URL: url = '', SHARDED } = process.env;
const [publisher, subscriber] = [new Redis(url), new Redis(url)];

class RedisIoAdapter extends IoAdapter {
  override createIOServer(...args: Parameters<IoAdapter['createIOServer']>) {
    const server = super.createIOServer(...args);
    server.adapter((SHARDED ? createShardedAdapter : createAdapter)(publisher, subscriber));
    return server;
  }
}

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
app.useWebSocketAdapter(new RedisIoAdapter(app));
await app.listen(0, '127.0.0.1');
reportPort(app);
