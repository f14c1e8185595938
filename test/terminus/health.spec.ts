import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { HealthCheckService, HealthIndicatorService, TerminusModule } from '@nestjs/terminus';
import { WebSocketServer } from '@nestjs/websockets';
import { WebwireGateway, WebwireRequest, WebwireServer, type Cluster, type WebwireModuleOptions } from 'nestjs-webwire';
import { WebwireHealthIndicator } from 'nestjs-webwire/terminus';
import { describe, expect, it, onTestFinished } from 'vitest';
import { deferred } from '../support/deferred.js';
import { Queue } from '../support/queue.js';
import { TestApp } from '../support/test-app.js';
import { isNestSince } from '../support/nest-version.js';

@WebwireGateway()
class Gateway {
  @WebSocketServer() server!: WebwireServer;
  readonly work = deferred();
  readonly started = new Queue<string>();
  @WebwireRequest('hang') async hang() {
    this.started.push('hang');
    await this.work.promise;
  }
}

@WebwireGateway({ path: '/other' })
class OtherGateway {}

@Controller()
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly webwire: WebwireHealthIndicator,
  ) {}
  @Get('health') check() {
    return this.health.check([() => this.webwire.isHealthy()]);
  }
}

@Module({
  imports: [TerminusModule.forRoot({ logger: false })],
  providers: [WebwireHealthIndicator],
  controllers: [HealthController],
  exports: [WebwireHealthIndicator],
})
class HealthModule {}

/** A cluster of one node, which may lose the others. */
class FakeCluster implements Cluster {
  isHealthy = true;
  readonly places = {
    take: () => Promise.resolve({ kind: 'taken' }),
  } as unknown as Cluster['places'];
  start = () => Promise.resolve();
  stop = () => Promise.resolve();
  publish = () => undefined;
  join = () => undefined;
  leave = () => undefined;
  synchronized = () => Promise.resolve();
  health() {
    return { isHealthy: this.isHealthy, status: this.isHealthy ? 'connected' : 'disconnected' };
  }
}

async function start(options: WebwireModuleOptions = {}) {
  const app = await TestApp.start(
    { imports: [HealthModule], providers: [Gateway, OtherGateway] },
    { sessions: false, ...options },
  );
  onTestFinished(async () => {
    app.get(Gateway).work.resolve();
    await app.close();
  });
  const check = async () => {
    const response = await fetch(`http://127.0.0.1:${app.port}/health`);
    const { details } = (await response.json()) as { details: { webwire: object } };
    return { httpStatus: response.status, ...details.webwire };
  };
  return { app, check };
}

describe('WebwireHealthIndicator', () => {
  it('is up while all servers listen', async () => {
    const { app, check } = await start();
    await app.connect();
    expect(await check()).toEqual({ httpStatus: 200, status: 'up', servers: { listening: 2 }, connections: 1 });
  });

  it('is down from the beginning of a shutdown on', async () => {
    const { app, check } = await start();
    const { server, started, work } = app.get(Gateway);
    const client = await app.connect();
    client.send('hang');
    await started.take();
    const shutdown = server.shutdown();
    expect(server.status).toBe('draining');
    const draining = { draining: 1, listening: 1 };
    expect(await check()).toEqual({ httpStatus: 503, status: 'down', servers: draining, connections: 1 });
    work.resolve();
    await shutdown;
    expect(server.status).toBe('stopped');
    const stopped = { stopped: 1, listening: 1 };
    expect(await check()).toEqual({ httpStatus: 503, status: 'down', servers: stopped, connections: 0 });
  });

  it('is down before the servers accept connections', async () => {
    const states: unknown[] = [];
    @Injectable()
    class Early {
      constructor(private readonly indicator: WebwireHealthIndicator) {}
      onApplicationBootstrap() {
        states.push(this.indicator.isHealthy('early'));
      }
    }
    const metadata = { imports: [HealthModule], providers: [Gateway, Early] };
    const app = await TestApp.start(metadata, { sessions: false });
    onTestFinished(() => app.close());
    expect(states).toEqual([{ early: { status: 'down', servers: { starting: 1 }, connections: 0 } }]);
  });

  it('is degraded while the other nodes of the cluster cannot be reached', async () => {
    const cluster = new FakeCluster();
    const { check } = await start({ cluster });
    const details = { httpStatus: 200, servers: { listening: 2 }, connections: 0 };
    expect(await check()).toEqual({ ...details, status: 'up', cluster: 'connected' });
    cluster.isHealthy = false;
    // Terminus 11 has no other status.
    const status = isNestSince('12.0.0') ? 'degraded' : 'up';
    expect(await check()).toEqual({ ...details, status, cluster: 'disconnected' });
  });

  it('is up then with a Terminus that has no such state, and the details have the state of the cluster', async () => {
    const cluster = new FakeCluster();
    cluster.isHealthy = false;
    const { app } = await start({ cluster });
    const indicators = app.app.get(HealthIndicatorService, { strict: false });
    const check = indicators.check.bind(indicators);
    indicators.check = (key) => Object.assign(check(key), { degraded: undefined as never });
    const { webwire } = app.app.get(WebwireHealthIndicator, { strict: false }).isHealthy();
    expect(webwire).toMatchObject({ status: 'up', cluster: 'disconnected' });
  });
});
