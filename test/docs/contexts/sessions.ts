// docs/sessions.md
import { Global, Injectable, Module } from '@nestjs/common';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import {
  RequestError,
  SessionManager,
  WebwireConnection,
  WebwireGateway,
  WebwireModule,
  WebwireRequest,
  type SessionInfo,
  type SessionRecord,
} from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { serve } from './serve.js';

@WebwireGateway()
class Gateway {
  private readonly users = {
    verify: async (credentials: string) => (credentials === 'ada:engine' ? { name: 'ada' } : undefined),
  };

  // block 1
}

interface Row {
  readonly createdAt: Date;
  readonly previousLookupAt: Date;
  readonly info: SessionInfo | null;
}

@Injectable()
class Database {
  private readonly rows = new Map<string, Row>();

  async insert(key: string, createdAt: Date, info: SessionInfo | undefined) {
    this.rows.set(key, { createdAt, previousLookupAt: createdAt, info: info ?? null });
  }
  async findAndTouch(key: string) {
    return this.rows.get(key) ?? null;
  }
  async delete(key: string) {
    console.log('deleted', this.rows.delete(key));
  }
}

@Global()
@Module({ providers: [Database], exports: [Database] })
class DatabaseModule {}

// block 2

const sessions = { manager: SqlSessionManager };
const app = await serve({ imports: [DatabaseModule], providers: [Gateway] }, { imports: [DatabaseModule], sessions });
const first = new WebwireClient('ws://localhost/');
const refusal: unknown = await first.request('auth', 'ada:motor').catch((error: unknown) => error);
console.log(refusal instanceof Error && refusal.message);
await first.request('auth', 'ada:engine');
const second = new WebwireClient('ws://localhost/');
await second.connect();
await second.restoreSession(first.session!.key);
console.log('restored:', (await second.request('whoami')).text());
await first.close();
await second.request('logout');
await second.close();
await app.close();

// Prints:
// Incorrect username or password, try again
// restored: ada
// deleted true
