// docs/sessions.md
import { CanActivate, ExecutionContext, Global, Injectable, Module, UseGuards } from '@nestjs/common';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import {
  RequestError,
  SessionManager,
  WebwireConnection,
  WebwireGateway,
  WebwireModule,
  WebwireRequest,
  WebwireService,
  type SessionInfo,
  type SessionRecord,
} from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { serve } from './serve.js';

/** The store of the application. */
@Injectable()
class UsersService {
  role = 'admin';
  private readonly keys = new Set<string>();

  async find(id: string) {
    return id === 'ada' ? { role: this.role } : undefined;
  }
  async addSessionKey(_userId: string, key: string) {
    this.keys.add(key);
  }
  async sessionKeys(_userId: string) {
    return [...this.keys];
  }
  async forgetSessionKey(_userId: string, key: string) {
    this.keys.delete(key);
  }
}

// block 2

// block 3

@WebwireGateway()
class AdminGateway {
  constructor(private readonly users: UsersService) {}

  @WebwireRequest('signIn') async signIn(@ConnectedSocket() connection: WebwireConnection) {
    await connection.createSession({ userId: 'ada' });
    await this.users.addSessionKey('ada', connection.session!.key);
  }
  @WebwireRequest('again') again(@ConnectedSocket() connection: WebwireConnection) {
    return connection.createSession().catch((error: { code: string }) => error.code);
  }
  @UseGuards(AdminGuard)
  @WebwireRequest('reset')
  reset() {
    return 'done';
  }
}

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
    if (this.rows.delete(key)) console.log('deleted');
  }
}

@Global()
@Module({ providers: [Database], exports: [Database] })
class DatabaseModule {}

// block 4

const sessions = { manager: SqlSessionManager };
const app = await serve(
  { imports: [DatabaseModule], providers: [Gateway, AdminGateway, UsersService, SignOutService] },
  { imports: [DatabaseModule], sessions },
);
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

const codeOf = (error: unknown) => (error as { code: string }).code;
const [open, waiting] = [new WebwireClient('ws://localhost/'), new WebwireClient('ws://localhost/')];
await open.request('signIn');
await waiting.request('signIn');
console.log((await open.request('again')).text());
console.log((await open.request('reset')).text());
app.get(UsersService).role = 'reader';
console.log(await open.request('reset').catch(codeOf));
const { key } = waiting.session!;
await waiting.close();
const closed = new Promise((resolve) => open.on('sessionClosed', ({ reason }) => resolve(reason)));
await app.get(SignOutService).everywhere('ada');
console.log('signed out:', await closed, await open.restoreSession(key).catch(codeOf));
await open.close();
await app.close();

// Prints:
// Incorrect username or password, try again
// restored: ada
// deleted
// SESSION_ACTIVE
// done
// FORBIDDEN
// deleted
// deleted
// signed out: server SESSION_NOT_FOUND
