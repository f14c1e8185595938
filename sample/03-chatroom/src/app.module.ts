import { Module } from '@nestjs/common';
import { WebwireModule } from 'nestjs-webwire';
import { chat, CHAT_PATH } from '../api/chat-api.js';
import { ChatModule } from './chat/chat.module.js';
import { TicketModule } from './tickets/ticket.module.js';

@Module({
  imports: [
    WebwireModule.forRoot({
      contract: chat,
      path: CHAT_PATH,
      // The largest reply is a page of 30 messages with 1 000 characters of 3 bytes, and their senders.
      messageBufferSize: 128 * 1024,
      concurrencyLimit: 8,
      maxConnections: 1_000,
      sessions: {
        directory: process.env.SESSION_DIRECTORY ?? 'sessions',
        maxAge: 30 * 24 * 60 * 60_000,
      },
    }),
    ChatModule,
    TicketModule,
  ],
})
export class AppModule {}
