// docs/testing.md
import { Module, type INestApplication } from '@nestjs/common';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { Test } from '@nestjs/testing';
import {
  MemorySessionManager,
  SessionManager,
  WebwireConnection,
  WebwireGateway,
  WebwireModule,
  WebwireRequest,
  WebwireService,
} from 'nestjs-webwire';
import { RedisCluster, RedisSessionManager } from 'nestjs-webwire/redis';
import { createTestClient } from 'nestjs-webwire/testing';

@WebwireGateway()
class RoomsGateway {
  constructor(private readonly webwire: WebwireService) {}

  @WebwireRequest('join') async join(@MessageBody() room: string, @ConnectedSocket() connection: WebwireConnection) {
    await connection.createSession({ room });
    this.webwire.join(connection, room);
    return String(await this.webwire.countMembers(room));
  }
}

@Module({
  imports: [
    WebwireModule.forRootAsync({
      useFactory: () => {
        const url = process.env.REDIS_URL;
        if (!url) return {};
        return { cluster: new RedisCluster({ url }), sessions: { manager: new RedisSessionManager({ url }) } };
      },
    }),
  ],
  providers: [RoomsGateway],
})
class AppModule {}

process.env.REDIS_URL = 'redis://nowhere.invalid';
let app: INestApplication;
let before = async () => undefined as unknown;
let after = async () => undefined as unknown;
const beforeEach = (hook: typeof before) => (before = hook);
const afterEach = (hook: typeof after) => (after = hook);

// block 2

for (const test of ['first', 'second']) {
  await before();
  const client = createTestClient(app!);
  await client.connect();
  console.log(test, (await client.request('join', 'room')).text(), client.session?.info);
  await after();
}

// Prints:
// first 1 { room: 'room' }
// second 1 { room: 'room' }
