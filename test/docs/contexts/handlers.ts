// docs/handlers.md
import {
  CallHandler,
  CanActivate,
  ExecutionContext,
  Injectable,
  Logger,
  NestInterceptor,
  UseGuards,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { IsString } from 'class-validator';
import {
  jsonCodec,
  Payload,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireSignal,
  type Message,
  type PayloadCodec,
} from 'nestjs-webwire';
import { RequestError, WebwireClient } from 'nestjs-webwire/client';
import { defineContract } from 'nestjs-webwire/contract';
import { finalize } from 'rxjs';
import { serve } from './serve.js';

const chat = defineContract({ requests: { 'rooms.create': {} } });
const now = { time: 0, original: performance.now };
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

@WebwireGateway({ path: '/decorators' })
class DecoratorsGateway {
  // block 1
  handle(@WebwireMessage() message: Message) {
    console.log(message.identifier ? 'request' : 'signal', message.name || 'without a name');
  }
}

// block 5

// block 2

// block 3

// block 4

@WebwireGateway({ path: '/bytes', codec: messagePackCodec })
class BytesGateway {
  @WebwireRequest('first') first(@MessageBody() [first]: number[]) {
    now.time += 200;
    return [first];
  }
}

performance.now = () => now.time;
const timing = { provide: APP_INTERCEPTOR, useClass: TimingInterceptor };
const main = await serve({
  providers: [LifeGateway, DecoratorsGateway, BytesGateway, RoomsGateway, RolesGuard, timing],
});
Logger.overrideLogger({
  log: (line: string) => console.log(line),
  error: console.error,
  warn: console.warn,
});
const rooms = new WebwireClient('ws://localhost/', { codec: jsonCodec });
console.log('create:', (await rooms.request('create', { name: 'Lounge' })).body);
const refused: unknown = await rooms.request('create', { name: 5 }).catch((error: unknown) => error);
console.log(refused instanceof RequestError && `${refused.code}: ${refused.message}`);
const bytes = new WebwireClient('ws://localhost/bytes');
console.log('last byte:', (await bytes.request('first', Uint8Array.of(1, 2, 3))).bytes[0]);
const decorators = new WebwireClient('ws://localhost/decorators');
for (const name of ['auth', '', 'any other name', 'create', 'rooms.create', 'plain'])
  await decorators.request(name, '"body"');
for (const name of ['eventA', 'plain']) await decorators.signal(name, '"body"');
const life = new WebwireClient('ws://localhost/life');
await life.connect();
await Promise.all([rooms, bytes, decorators, life].map((client) => client.close()));
await main.close();
performance.now = now.original;

// Prints:
// RoomsGateway.create took 0.0 ms
// create: undefined
// RoomsGateway.create took 0.0 ms
// BAD_REQUEST: name must be a string
// BytesGateway.first took 200.0 ms
// last byte: 3
// request auth
// DecoratorsGateway.handle took 0.0 ms
// request without a name
// DecoratorsGateway.handle took 0.0 ms
// request any other name
// DecoratorsGateway.handle took 0.0 ms
// request create
// DecoratorsGateway.handle took 0.0 ms
// request rooms.create
// DecoratorsGateway.handle took 0.0 ms
// request plain
// DecoratorsGateway.handle took 0.0 ms
// signal eventA
// DecoratorsGateway.handle took 0.0 ms
// signal plain
// DecoratorsGateway.handle took 0.0 ms
