import { Controller, Get } from '@nestjs/common';
import { WebSocketServer } from '@nestjs/websockets';
import { WebwireGateway, WebwireRequest, WebwireServer } from 'nestjs-webwire';
import { expect, it, onTestFinished } from 'vitest';
import { deferred } from '../support/deferred.js';
import { TestApp } from '../support/test-app.js';
import { HealthModule } from './health.module.js';

@WebwireGateway()
class Gateway {
  @WebSocketServer() server!: WebwireServer;
  readonly work = deferred();
  readonly started = deferred();
  @WebwireRequest('hang') async hang() {
    this.started.resolve();
    await this.work.promise;
  }
}

@Controller()
class PageController {
  @Get() page() {
    return 'page';
  }
}

async function start() {
  const metadata = { imports: [HealthModule], providers: [Gateway], controllers: [PageController] };
  const app = await TestApp.start(metadata, { sessions: false });
  onTestFinished(async () => {
    app.get(Gateway).work.resolve();
    await app.close();
  });
  const get = (path: string) => fetch(`http://127.0.0.1:${app.port}${path}`);
  return { app, get };
}

it('the health route says that the servers listen, beside other routes', async () => {
  const { app, get } = await start();
  await app.connect();
  const response = await get('/health');
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({
    status: 'ok',
    details: { webwire: { status: 'up', servers: { listening: 1 }, connections: 1 } },
  });
  expect(await (await get('/')).text()).toBe('page');
});

it('the health route answers 503 while a server drains, and other routes still answer', async () => {
  const { app, get } = await start();
  const { server, started, work } = app.get(Gateway);
  const client = await app.connect();
  client.send('hang');
  await started.promise;
  const shutdown = server.shutdown();
  const response = await get('/health');
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ status: 'error', error: { webwire: { status: 'down' } } });
  expect((await get('/')).status).toBe(200);
  work.resolve();
  await shutdown;
});
