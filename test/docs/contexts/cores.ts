// docs/deployment.md
// Alone: the workers run this program, too.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory as Original } from '@nestjs/core';
import { WebwireGateway, WebwireModule, WebwireRequest } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { on, once } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import { WebSocket as Ws } from 'ws';

// On any machine.
os.availableParallelism = () => 2;
syncBuiltinESMExports();

@WebwireGateway()
class Gateway {
  @WebwireRequest('pid') pid() {
    return process.pid;
  }
}

@Module({ imports: [WebwireModule.forRoot({ sessions: false })], providers: [Gateway] })
class AppModule {}

/** The system chooses the port, which all workers share. */
const NestFactory = {
  create: async (module: object) => {
    const app = await Original.create(module, { logger: ['error', 'warn'] });
    return { enableShutdownHooks: () => app.enableShutdownHooks(), listen: (_port: number) => app.listen(0) };
  },
};

// block 3

if (cluster.isPrimary) {
  const ports = new Set<number>();
  let listening = 0;
  for await (const [, { port }] of on(cluster, 'listening') as AsyncIterable<[unknown, AddressInfo]>) {
    ports.add(port);
    if (++listening === 2) break;
  }
  const [port] = ports;
  const clients = [1, 2].map(() => new WebwireClient(`ws://localhost:${port}`, { webSocket: Ws }));
  const pids = new Set<number>();
  for (const client of clients) pids.add((await client.request('pid')).json<number>());
  console.log(pids.size, 'processes at', ports.size, 'port');
  const workers = Object.values(cluster.workers ?? {});
  const ended = Promise.all(workers.map((worker) => once(worker!, 'exit')));
  const codes = clients.map((client) => codeOf(client));
  process.emit('SIGTERM');
  console.log('close codes:', await Promise.all(codes));
  await Promise.all(clients.map((client) => client.close()));
  await ended;
  console.log('ended', workers.length);
}

function codeOf(client: WebwireClient) {
  return new Promise((resolve) => client.on('disconnected', ({ code }) => resolve(code)));
}

// Prints:
// 2 processes at 1 port
// close codes: [ 1001, 1001 ]
// ended 2
