import { Module } from '@nestjs/common';
import { WebwireModule } from 'nestjs-webwire';
import { AuthGateway } from './auth.gateway.js';
import { DatabaseModule } from './database.module.js';
import { SqlSessionManager } from './sql-session.manager.js';

@Module({
  imports: [
    WebwireModule.forRoot({
      imports: [DatabaseModule],
      sessions: { manager: SqlSessionManager, maxConnections: 3 },
    }),
  ],
  providers: [AuthGateway],
})
export class AppModule {}
