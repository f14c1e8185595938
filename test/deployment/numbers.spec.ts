import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WebwireClient } from 'nestjs-webwire/client';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import { parseAllDocuments } from 'yaml';
import { READ_TIMEOUT, SHUTDOWN_TIMEOUT } from '../../sample/08-deployment/src/settings.js';
import { deferred } from '../support/deferred.js';
import { Queue } from '../support/queue.js';
import { DEPLOYMENT, readConfiguration } from './proxy.js';

/** Time after `shutdownTimeout` in which clients and hooks are cut short, in ms. */
const CUT_SHORT = 4_000;

/** Default of the client's option, in ms: in this time, it has to be connected. */
const DIAL_TIMEOUT = 5_000;

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface Container {
  readonly command: string[];
  readonly ports: { readonly name: string; readonly containerPort: number }[];
  readonly env: { readonly name: string; readonly value: string }[];
  readonly startupProbe: Probe;
  readonly readinessProbe: Probe;
  readonly livenessProbe: Probe;
  readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: string[] } } };
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations?: Record<string, string> };
  readonly spec: Record<string, unknown>;
}

let manifests: Record<string, Manifest>;
let container: Container;

beforeAll(async () => {
  const text = await readFile(join(DEPLOYMENT, 'kubernetes.yaml'), 'utf8');
  const documents = parseAllDocuments(text);
  for (const document of documents) if ('errors' in document) for (const error of document.errors) throw error;
  const all = documents.map((document) => document.toJS() as Manifest);
  manifests = Object.fromEntries(all.map((manifest) => [manifest.kind, manifest]));
  [container] = (
    manifests.Deployment!.spec as { template: { spec: { containers: [Container] } } }
  ).template.spec.containers;
});

/** The number at the end of a match, in ms if it is followed by `s`. */
function numberIn(text: string, pattern: RegExp): number {
  const [, number, unit] = pattern.exec(text) ?? [];
  if (number === undefined) throw new Error(`there is no ${String(pattern)}`);
  return Number(number) * (unit === 's' ? 1_000 : 1);
}

describe('the timeouts of', () => {
  it('nginx fit those of servers and clients', async () => {
    const file = await readConfiguration('nginx');
    const valueOf = (name: string) => numberIn(file, new RegExp(`^\\s+${name} (\\d+)(s?);`, 'm'));
    for (const name of ['proxy_read_timeout', 'proxy_send_timeout']) {
      expect(valueOf(name)).toBeGreaterThan(READ_TIMEOUT / 2);
    }
    expect(valueOf('proxy_next_upstream_timeout')).toBeLessThan(DIAL_TIMEOUT);
    expect(valueOf('proxy_next_upstream_tries') * valueOf('proxy_connect_timeout')).toBeLessThan(DIAL_TIMEOUT);
    expect(valueOf('proxy_next_upstream_tries')).toBe(file.match(/^\s+server 127/gm)!.length);
  });

  it('HAProxy fit those of servers and clients', async () => {
    const file = await readConfiguration('haproxy');
    const valueOf = (name: string) => numberIn(file, new RegExp(`^\\s+${name} (\\d+)(s?)$`, 'm'));
    expect(valueOf('timeout tunnel')).toBeGreaterThan(READ_TIMEOUT / 2);
    const attempts = valueOf('retries') + 1;
    expect(attempts * valueOf('timeout connect')).toBeLessThan(DIAL_TIMEOUT);
    expect(attempts).toBeGreaterThanOrEqual(file.match(/^\s+server \w+ 127/gm)!.length);
  });

  it('systemd fit those of servers', async () => {
    const file = await readFile(join(DEPLOYMENT, 'webwire@.service'), 'utf8');
    expect(numberIn(file, /^TimeoutStopSec=(\d+)$/m) * 1_000).toBeGreaterThan(SHUTDOWN_TIMEOUT + CUT_SHORT);
    expect(file).toMatch(/^KillSignal=SIGTERM$/m);
  });

  it('Kubernetes fit those of servers and clients', () => {
    const { terminationGracePeriodSeconds } = (
      manifests.Deployment!.spec as { template: { spec: { terminationGracePeriodSeconds: number } } }
    ).template.spec;
    const [, preStop] = container.lifecycle.preStop.exec.command;
    expect(terminationGracePeriodSeconds * 1_000).toBeGreaterThan(
      Number(preStop) * 1_000 + SHUTDOWN_TIMEOUT + CUT_SHORT,
    );
    const { annotations } = manifests.Ingress!.metadata;
    const valueOf = (name: string) => Number(annotations![`nginx.ingress.kubernetes.io/proxy-${name}`]) * 1_000;
    expect(valueOf('read-timeout')).toBeGreaterThan(READ_TIMEOUT / 2);
    expect(valueOf('send-timeout')).toBeGreaterThan(READ_TIMEOUT / 2);
    expect(valueOf('next-upstream-timeout')).toBeLessThan(DIAL_TIMEOUT);
  });
});

describe('the manifest of Kubernetes', () => {
  it('has objects that belong together', () => {
    expect(Object.keys(manifests).sort()).toEqual(['Deployment', 'Ingress', 'PodDisruptionBudget', 'Service']);
    const { Deployment, Ingress, PodDisruptionBudget, Service } = manifests;
    const labels = { app: 'shop' };
    expect(Deployment!.spec).toMatchObject({ selector: { matchLabels: labels }, template: { metadata: { labels } } });
    expect(PodDisruptionBudget!.spec).toMatchObject({ selector: { matchLabels: labels } });
    expect(Service!.spec).toMatchObject({
      selector: labels,
      ports: [{ name: 'http', targetPort: container.ports[0]!.name }],
    });
    expect(Ingress!.spec).toMatchObject({
      rules: [
        { http: { paths: [{ backend: { service: { name: Service!.metadata.name, port: { name: 'http' } } } }] } },
      ],
    });
  });

  it('replaces servers without being short of one', () => {
    const { strategy } = manifests.Deployment!.spec as { strategy: unknown };
    expect(strategy).toEqual({ type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } });
  });

  it('starts the program with variables that it reads', async () => {
    const { scripts } = JSON.parse(await readFile(join(DEPLOYMENT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(container.command.join(' ')).toBe(scripts.start);
    const env = Object.fromEntries(container.env.map(({ name, value }) => [name, value]));
    expect(env.PORT).toBe(String(container.ports[0]!.containerPort));
    const sources = await Promise.all(
      ['main', 'settings'].map((file) => readFile(join(DEPLOYMENT, `src/${file}.ts`), 'utf8')),
    );
    const names = Object.keys(env).filter((name) => name !== 'NODE_ENV');
    for (const name of names) expect(sources.join()).toContain(name);
  });

  it('has probes that the application answers: while it shuts down, it is not ready, but alive', async () => {
    const env = Object.fromEntries(container.env.map(({ name, value }) => [name, value]));
    for (const name of ['TRUST_PROXY', 'ORIGINS']) vi.stubEnv(name, env[name]);
    vi.resetModules();
    const { AppModule } = await import('../../sample/08-deployment/src/app.module.js');
    const { OrdersService } = await import('../../sample/08-deployment/src/orders.service.js');
    vi.unstubAllEnvs();
    const app: INestApplication = await NestFactory.create(AppModule, { logger: false });
    const work = deferred();
    const started = new Queue<string>();
    onTestFinished(async () => {
      work.resolve();
      await app.close();
    });
    app.get(OrdersService).store = (order) => {
      started.push(order);
      return work.promise;
    };
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    const { startupProbe, readinessProbe, livenessProbe } = container;
    const statuses = async () => {
      const probes = [startupProbe, readinessProbe, livenessProbe];
      const responses = await Promise.all(
        probes.map(({ httpGet }) => fetch(`http://127.0.0.1:${port}${httpGet.path}`)),
      );
      return responses.map(({ status }) => status);
    };
    for (const { httpGet } of [startupProbe, readinessProbe, livenessProbe]) {
      expect(httpGet.port).toBe(container.ports[0]!.name);
    }
    expect(await statuses()).toEqual([200, 200, 200]);
    const client = new WebwireClient(`ws://127.0.0.1:${port}`, { webSocket: WebSocket });
    onTestFinished(() => client.close());
    const ordered = client.request('order', 'Order 1');
    await started.take();
    const closed = app.close();
    expect(await statuses()).toEqual([200, 503, 200]);
    work.resolve();
    expect((await ordered).text()).toBe(`Order 1 is stored by process ${process.pid}`);
    await client.close();
    await closed;
  });
});
