import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WebwireGateway, WebwireMessage, WebwireModule, WebwireRequest, type Message } from 'nestjs-webwire';
import { RedisCluster } from 'nestjs-webwire/redis';
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { answer, readCpu, type Answer, type CpuReading } from '../process/answer.js';

/** Processes that serve one port. Arguments: how many, how they share it, and the URL of Redis. */
const [count, sharing, url] = process.argv.slice(2) as [string, 'cluster' | 'reusePort', string | undefined];

@WebwireGateway()
class EchoGateway {
  @WebwireRequest('echo') echo(@WebwireMessage() message: Message) {
    return message.payload;
  }
}

async function serve(): Promise<void> {
  const options = { sessions: false as const, ...(url !== undefined && { cluster: new RedisCluster({ url }) }) };

  @Module({ imports: [WebwireModule.forRoot(options)], providers: [EchoGateway] })
  class AppModule {}

  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
  await app.init();
  const server = app.getHttpServer() as Server;
  // In a cluster, all workers that ask for port 0 get the same one.
  if (sharing === 'cluster') server.listen(0, '127.0.0.1');
  else server.listen({ port: Number(process.env.PORT), host: '127.0.0.1', reusePort: true, exclusive: true });
  await once(server, 'listening');
  answer({ readCpu });
  process.send!({ value: (server.address() as AddressInfo).port } satisfies Answer);
}

/** The next answer of a process. Its first one, which is not asked for, is its port. */
async function answerOf<Value>(worker: Worker): Promise<Value> {
  const [reply] = (await once(worker, 'message')) as [Answer];
  if ('error' in reply) throw new Error(reply.error);
  return reply.value as Value;
}

function ask<Value>(worker: Worker, name: string): Promise<Value> {
  worker.send({ name });
  return answerOf(worker);
}

async function lead(): Promise<void> {
  const workers: Worker[] = [];
  let port = 0;
  // One after the other, as the first one's port is that of all.
  for (let index = 0; index < Number(count); index++) {
    const worker = cluster.fork({ PORT: port });
    workers.push(worker);
    port = await answerOf<number>(worker);
  }
  answer({
    port: () => port,
    async readCpu(): Promise<CpuReading> {
      const readings = await Promise.all(workers.map((worker) => ask<CpuReading>(worker, 'readCpu')));
      const own = readCpu();
      return { used: readings.reduce((sum, { used }) => sum + used, own.used), at: own.at };
    },
  });
}

await (cluster.isPrimary ? lead() : serve());
