// docs/moving-from-platform-ws.md
import type { INestApplication } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { WsAdapter } from '@nestjs/platform-ws';
import type { Server } from 'ws';

declare const app: INestApplication;

// block 1
