import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { createObserveModule, TracerService } from '@nestjs/observe';
import { MessageBody } from '@nestjs/websockets';
import { WebwireGateway, WebwireModule, WebwireRequest } from 'nestjs-webwire';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { isNestSince, WITHOUT_INSTRUMENT } from '../support/nest-version.js';
import { RecordingLogger } from '../support/test-app.js';
import { WireClient } from '../support/wire-client.js';

@Injectable()
class Service {
  constructor(private readonly tracer: TracerService) {}
  get isTraced() {
    return this.tracer.currentTraceId() !== null;
  }
}

@WebwireGateway()
class Gateway {
  readonly #greeting = 'Hello';
  constructor(private readonly service: Service) {}
  @WebwireRequest('greet') greet(@MessageBody() name: string) {
    return `${this.#greeting} ${name}, traced: ${this.service.isTraced}`;
  }
}

@Controller()
class PageController {
  constructor(private readonly service: Service) {}
  @Get('page') page() {
    return `traced: ${this.service.isTraced}`;
  }
}

it('handlers work with the instrumentation of @nestjs/observe, which traces HTTP but no messages', async ({ skip }) => {
  skip(!isNestSince('11.1.4'), WITHOUT_INSTRUMENT);
  // Nothing is sent to the collector of the library.
  const collector = createServer((request, response) => request.resume().on('end', () => response.end('{}')));
  await once(collector.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void collector.close());
  const { ObserveModule, ObserveInstrument } = createObserveModule();
  const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  const observe = ObserveModule.forRoot({ appKey: 'key', appSecret: 'secret', serviceId: 'test', endpoint });

  @Module({
    imports: [observe, WebwireModule.forRoot({ sessions: false })],
    providers: [Service, Gateway],
    controllers: [PageController],
  })
  class AppModule {}

  const app = await NestFactory.create(AppModule, { logger: new RecordingLogger(), instrument: ObserveInstrument });
  onTestFinished(() => app.close());
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  const client = await WireClient.connect(`ws://127.0.0.1:${port}/`);
  onTestFinished(() => client.socket.terminate());
  expect(await client.ask('greet', 'Ada')).toBe('utf8 Hello Ada, traced: false');
  expect(await (await fetch(`http://127.0.0.1:${port}/page`)).text()).toBe('traced: true');
});
