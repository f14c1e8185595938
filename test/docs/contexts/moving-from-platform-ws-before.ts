// docs/moving-from-platform-ws.md
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { WsAdapter } from '@nestjs/platform-ws';
import { on, once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocket, type Server } from 'ws';

// block 1, lines 1 to 11

@Module({ providers: [ChatGateway] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });

// block 1, lines 12 to 12

await app.listen(0, '127.0.0.1');
const client = new WebSocket(`ws://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`);
const messages = on(client, 'message');
await once(client, 'open');
client.send(JSON.stringify({ event: 'say', data: 'Hello' }));
for (const _ of ['signal', 'reply']) console.log(String((await messages.next()).value[0]));
client.close();
await once(client, 'close');
await app.close();

// Prints:
// {"event":"said","data":"Hello"}
// {"event":"say","data":"ok"}
