import { ConnectedSocket } from '@nestjs/websockets';
import { SchedulerRegistry } from '@nestjs/schedule';
import { WebwireConnection, WebwireGateway, WebwireRequest, WebwireService } from 'nestjs-webwire';
import { expect, it, onTestFinished } from 'vitest';
import { deferred } from '../support/deferred.js';
import { TestApp } from '../support/test-app.js';
import { describe } from '../support/wire-client.js';
import { ClockModule } from './schedule.module.js';

const TIME = /^signal time utf8 \d{4}-\d\d-\d\dT[\d:.]+Z$/;

@WebwireGateway()
class Gateway {
  readonly work = deferred();
  readonly started = deferred();
  constructor(private readonly webwire: WebwireService) {}
  @WebwireRequest('follow') follow(@ConnectedSocket() connection: WebwireConnection) {
    this.webwire.join(connection, 'clock');
  }
  @WebwireRequest('hang') async hang() {
    this.started.resolve();
    await this.work.promise;
  }
}

async function start() {
  const app = await TestApp.start({ imports: [ClockModule], providers: [Gateway] }, { sessions: false });
  onTestFinished(() => app.close());
  return { app, job: app.get(SchedulerRegistry).getCronJob('clock') };
}

it('a cron job signals to the clients that follow, as often as it runs', async () => {
  const { app, job } = await start();
  const client = await app.connect();
  await client.ask('follow');
  for (let n = 0; n < 2; n++) expect(describe(await client.next())).toMatch(TIME);
  const other = await app.connect();
  await job.fireOnTick();
  expect(await other.ask('follow')).toBe('binary');
});

it('a cron job signals while a shutdown waits for handlers, and has stopped when the application is closed', async () => {
  const { app, job } = await start();
  const { work, started } = app.get(Gateway);
  const client = await app.connect();
  await client.ask('follow');
  client.send('hang');
  await started.promise;
  const closed = app.app.close();
  expect(job.isActive).toBe(true);
  expect(describe(await client.next())).toMatch(TIME);
  work.resolve();
  await closed;
  expect(job.isActive).toBe(false);
  await job.fireOnTick(); // as if it had been due at that moment
  expect(app.logger.at('error')).toEqual([]);
});
