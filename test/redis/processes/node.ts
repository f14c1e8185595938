import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import type { AddressInfo } from 'node:net';
import { WebwireConnection, WebwireGateway, WebwireModule, WebwireRequest, WebwireService } from 'nestjs-webwire';
import { RedisCluster, RedisSessionManager } from 'nestjs-webwire/redis';

/** A message of a node process to its parent. */
export type NodeReport =
  | { kind: 'listening'; port: number }
  | { kind: 'destroyed'; key: string }
  | { kind: 'connected' }
  | { kind: 'disconnected' }
  | { kind: 'rejection'; error: string }
  | { kind: 'joined' | 'left'; info: unknown };

const report = (message: NodeReport): void => void process.send?.(message);
const { REDIS_URL: url = '', NODE_TIMEOUT, MAX_CONNECTIONS } = process.env;

process.on('unhandledRejection', (error) => report({ kind: 'rejection', error: String(error) }));
process.on('disconnect', () => process.exit());

class Store extends RedisSessionManager {
  override async onSessionClosed(key: string) {
    report({ kind: 'destroyed', key });
    await super.onSessionClosed(key);
  }
}

@WebwireGateway()
class Gateway {
  constructor(private readonly service: WebwireService) {
    if (!process.env.WATCHES) return;
    service.on('joined', ({ info }) => report({ kind: 'joined', info }));
    service.on('left', ({ info }) => report({ kind: 'left', info }));
  }

  @WebwireRequest('sign-in') async signIn(
    @ConnectedSocket() connection: WebwireConnection,
    @MessageBody() name: string,
  ) {
    await connection.createSession({ name });
  }
  @WebwireRequest('join') async join(@ConnectedSocket() connection: WebwireConnection, @MessageBody() group: string) {
    this.service.join(connection, group);
    await this.service.synchronized();
  }
  @WebwireRequest('enter') enter(@ConnectedSocket() connection: WebwireConnection, @MessageBody() name: string) {
    this.service.join(connection, 'people', { info: name });
  }
  @WebwireRequest('people') async people() {
    return (await this.service.members('people')).map(({ info }) => JSON.stringify(info)).join();
  }
  @WebwireRequest('say') say(@ConnectedSocket() connection: WebwireConnection, @MessageBody() text: string) {
    this.service.signalGroup('room', 'said', text, { except: connection });
  }
  @WebwireRequest('whoami') whoami(@ConnectedSocket() connection: WebwireConnection) {
    return JSON.stringify(connection.session?.info?.name ?? null);
  }
  @WebwireRequest('count') async count(@MessageBody() key: string) {
    return String(await this.service.countSessionConnections(key));
  }
  @WebwireRequest('close') async close(@MessageBody() key: string) {
    return String(await this.service.closeSession(key));
  }
  @WebwireRequest('health') health() {
    return cluster.health();
  }
}

const cluster = new RedisCluster({ url, nodeTimeout: Number(NODE_TIMEOUT), commandTimeout: Number(NODE_TIMEOUT) / 3 });
cluster.on('connected', () => report({ kind: 'connected' }));
cluster.on('disconnected', () => report({ kind: 'disconnected' }));

@Module({
  imports: [
    WebwireModule.forRoot({
      cluster,
      sessions: { manager: new Store({ url }), maxConnections: Number(MAX_CONNECTIONS) },
    }),
  ],
  providers: [Gateway],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error'] });
app.enableShutdownHooks();
await app.listen(0, '127.0.0.1');
report({ kind: 'listening', port: (app.getHttpServer().address() as AddressInfo).port });
