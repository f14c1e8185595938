import { Module } from '@nestjs/common';
import { DATABASE_FILE, DatabaseService } from './database.service.js';

@Module({
  providers: [
    DatabaseService,
    { provide: DATABASE_FILE, useFactory: () => process.env.DATABASE_FILE ?? 'sessions.db' },
  ],
  exports: [DatabaseService],
})
export class DatabaseModule {}
