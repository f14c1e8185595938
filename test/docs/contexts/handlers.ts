// docs/handlers.md
import { CanActivate, ExecutionContext, Injectable, UseGuards, UsePipes, ValidationPipe } from '@nestjs/common';
import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { IsString } from 'class-validator';
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
import { RequestError, WebwireClient } from 'nestjs-webwire/client';
import { defineContract } from 'nestjs-webwire/contract';
import { serve } from './serve.js';

const chat = defineContract({ requests: { create: {} } });
const decode = (bytes: Uint8Array) => [...bytes].reverse();
const encode = (value: unknown) => Uint8Array.from(value as number[]).reverse();

class CreateRoomDto {
  @IsString() name!: string;
}

@Injectable()
class RolesGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    return context.switchToWs().getClient<WebwireConnection>().headers.role !== 'guest';
  }
}

/** Not started, as two of the decorators have the same name. */
@WebwireGateway()
class DecoratorsGateway {
  // block 1
  handle(): void {}
}

@WebwireGateway({ path: '/life' })
class LifeGateway {
  // block 4
}

// block 2

// block 3

@WebwireGateway({ path: '/bytes', codec: messagePackCodec })
class BytesGateway {
  @WebwireRequest('first') first(@MessageBody() [first]: number[]) {
    return [first];
  }
}

const main = await serve({ providers: [LifeGateway, BytesGateway, RoomsGateway, RolesGuard] });
const rooms = new WebwireClient('ws://localhost/', { codec: jsonCodec });
console.log('create:', (await rooms.request('create', { name: 'Lounge' })).body);
const refused: unknown = await rooms.request('create', { name: 5 }).catch((error: unknown) => error);
console.log(refused instanceof RequestError && `${refused.code}: ${refused.message}`);
const bytes = new WebwireClient('ws://localhost/bytes');
console.log('last byte:', (await bytes.request('first', Uint8Array.of(1, 2, 3))).bytes[0]);
await Promise.all([rooms.close(), bytes.close()]);
await main.close();

// Prints:
// create: undefined
// BAD_REQUEST: name must be a string
// last byte: 3
