import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WebwireGateway, WebwireModule, WebwireRequest, WebwireService, WebwireStream } from 'nestjs-webwire';
import type { AddressInfo, Server } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { concat, from, NEVER, of, type Observable } from 'rxjs';
import { answer } from '../process/answer.js';
import { memory } from '../servers/report.js';

/** Handlers that run at once for a connection: the argument of the program. */
const concurrencyLimit = Number(process.argv[2]);

/** Nearly as large as a message may be. */
const LARGE = 'x'.repeat(8_000);

@WebwireGateway({ concurrencyLimit })
class Gateway {
  /** Never ends. */
  @WebwireRequest('wait') wait(): Promise<void> {
    return new Promise(() => undefined);
  }
  @WebwireRequest('large') large(): string {
    return LARGE;
  }
  /** As many small items as the client takes without a grant, and two large ones that wait. It never ends. */
  @WebwireStream('items') items(): Observable<string> {
    return concat(from(Array<string>(64).fill('x')), of(LARGE, LARGE), NEVER);
  }
}

@Module({ imports: [WebwireModule.forRoot({ sessions: false })], providers: [Gateway] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error'] });
await app.listen(0, '127.0.0.1');
const service = app.get(WebwireService);

/** Sends signals to all connections until nearly `maxBufferedAmount` waits for one of them. */
async function signal(): Promise<void> {
  const isFull = () =>
    [...service.connections].some(({ bufferedAmount }) => bufferedAmount > 1_048_576 - 2 * LARGE.length);
  while (!isFull()) {
    service.broadcast('news', LARGE);
    await nextTurn();
  }
}

answer({ port: () => ((app.getHttpServer() as Server).address() as AddressInfo).port, memory, signal });
