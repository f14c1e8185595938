import { Module } from '@nestjs/common';
import { WebwireModule } from 'nestjs-webwire';
import { RedisCluster, RedisSessionManager } from 'nestjs-webwire/redis';
import type { Redis } from 'ioredis';
import { chat, CHAT_PATH } from '../../03-chatroom/api/chat-api.js';
import { AuthGateway } from '../../03-chatroom/src/chat/auth.gateway.js';
import { HistoryService } from '../../03-chatroom/src/chat/history.service.js';
import { RoomGateway } from '../../03-chatroom/src/chat/room.gateway.js';
import { RoomService } from '../../03-chatroom/src/chat/room.service.js';
import { UsersService } from '../../03-chatroom/src/chat/users.service.js';
import { REDIS, RedisModule } from './redis.module.js';
import { SharedHistoryService } from './shared-history.service.js';
import { SharedRoomService } from './shared-room.service.js';

/** The chat room of sample 03, as one of several nodes. */
@Module({
  imports: [
    RedisModule,
    WebwireModule.forRootAsync({
      imports: [RedisModule],
      inject: [REDIS],
      useFactory: (client: Redis) => ({
        contract: chat,
        path: CHAT_PATH,
        messageBufferSize: 128 * 1024,
        concurrencyLimit: 8,
        maxConnections: 1_000,
        cluster: new RedisCluster({ client, prefix: 'chat:webwire' }),
        sessions: {
          manager: new RedisSessionManager({ client, prefix: 'chat:sessions', maxAge: 30 * 24 * 60 * 60_000 }),
          maxConnections: 20, // tabs of one browser, on all nodes together
        },
      }),
    }),
  ],
  providers: [
    AuthGateway,
    RoomGateway,
    UsersService,
    { provide: RoomService, useClass: SharedRoomService },
    { provide: HistoryService, useClass: SharedHistoryService },
  ],
})
export class AppModule {}
