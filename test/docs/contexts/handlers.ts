// docs/handlers.md
import { CanActivate, Injectable, UseGuards, UsePipes, ValidationPipe } from '@nestjs/common';
import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import {
  jsonCodec,
  Payload,
  WebwireConnection,
  WebwireGateway,
  WebwireRequest,
  WebwireServer,
  WebwireSignal,
  type DisconnectReason,
  type PayloadCodec,
} from 'nestjs-webwire';
import { defineContract } from 'nestjs-webwire/contract';

const chat = defineContract({ requests: { create: {} } });
declare function decode(bytes: Uint8Array): unknown;
declare function encode(value: unknown): Uint8Array;
declare class CreateRoomDto {}

@Injectable()
class RolesGuard implements CanActivate {
  canActivate() {
    return true;
  }
}

@WebwireGateway()
class Gateway {
  // block 1
  handle(): void {}

  // block 4
}

// block 2

// block 3
