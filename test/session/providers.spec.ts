import { Inject, Injectable, Module, type ModuleMetadata, type Type } from '@nestjs/common';
import {
  FileSessionManager,
  MemorySessionManager,
  RandomSessionKeyGenerator,
  SessionKeyGenerator,
  SessionManager,
  WebwireAdapter,
  WebwireConnection,
  WebwireGateway,
  WebwireModule,
  WebwireRequest,
  WebwireService,
  type SessionOptions,
  type SessionRecord,
} from 'nestjs-webwire';
import { afterEach, describe, expect, it } from 'vitest';
import { TestApp } from '../support/test-app.js';

let app: TestApp | undefined;
afterEach(async () => {
  await app?.close();
  app = undefined;
});

@Injectable()
class Database {
  readonly rows = new Map<string, SessionRecord>();
  isOpen = true;
  onModuleDestroy() {
    this.isOpen = false;
  }
}

@Module({ providers: [Database], exports: [Database] })
class DatabaseModule {}

@Injectable()
class DatabaseSessionManager extends SessionManager {
  isDestroyed = false;
  constructor(private readonly database: Database) {
    super();
  }
  async onSessionCreated({ session }: WebwireConnection) {
    this.database.rows.set(session!.key, session!);
  }
  async onSessionLookup(key: string) {
    return this.database.rows.get(key) ?? null;
  }
  async onSessionClosed(key: string) {
    this.database.rows.delete(key);
  }
  onModuleDestroy() {
    this.isDestroyed = true;
  }
}

@Injectable()
class CountingKeyGenerator extends SessionKeyGenerator {
  #count = 0;
  generate() {
    return `key-${++this.#count}`;
  }
}

@WebwireGateway()
class Gateway {
  constructor(
    readonly manager: SessionManager,
    readonly keyGenerator: SessionKeyGenerator,
    readonly service: WebwireService,
  ) {}
  @WebwireRequest('create') async create(connection: WebwireConnection) {
    await connection.createSession({ user: 'ada' });
    return connection.session!.key;
  }
}

const counting = { keyGenerator: CountingKeyGenerator };

async function start(module: ModuleMetadata['imports'], more: ModuleMetadata = {}) {
  app = await TestApp.startWithout({
    imports: [...module!, ...(more.imports ?? [])],
    providers: [Gateway, ...(more.providers ?? [])],
  });
  const client = await app.connect();
  client.send('create');
  await client.next();
  expect(await client.next()).toMatchObject({ payload: new TextEncoder().encode('key-1') });
  return app.get(Gateway);
}

const WAYS: [string, SessionOptions['manager'] | undefined][] = [
  ['a class', DatabaseSessionManager],
  ['useClass', { useClass: DatabaseSessionManager }],
  ['useFactory', { useFactory: (database: Database) => new DatabaseSessionManager(database), inject: [Database] }],
  [
    'an asynchronous useFactory with an optional dependency',
    {
      useFactory: async (database: Database, missing?: unknown) =>
        Promise.resolve(missing ? null! : new DatabaseSessionManager(database)),
      inject: [Database, { token: 'missing', optional: true }],
    },
  ],
];

describe.each(WAYS)('a session manager given as %s', (_way, manager) => {
  it('finds its dependencies in the imports of forRoot()', async () => {
    const module = WebwireModule.forRoot({ imports: [DatabaseModule], sessions: { manager, ...counting } });
    const gateway = await start([module]);
    expect(gateway.manager).toBeInstanceOf(DatabaseSessionManager);
    expect(app!.get(Database).rows.get('key-1')).toMatchObject({ info: { user: 'ada' } });
  });

  it('finds its dependencies in the imports of forRootAsync()', async () => {
    const module = WebwireModule.forRootAsync({
      imports: [DatabaseModule],
      useFactory: async () => Promise.resolve({ sessions: { manager, ...counting } }),
    });
    await start([module]);
    expect([...app!.get(Database).rows.keys()]).toEqual(['key-1']);
  });
});

describe('a session manager', () => {
  it('may be one that exists already', async () => {
    @Module({ imports: [DatabaseModule], providers: [DatabaseSessionManager], exports: [DatabaseSessionManager] })
    class StoreModule {}
    const sessions = { manager: { useExisting: DatabaseSessionManager }, ...counting };
    const gateway = await start([WebwireModule.forRoot({ imports: [StoreModule], sessions })]);
    expect(gateway.manager).toBe(app!.get(DatabaseSessionManager));
    await app!.close();
    await start([WebwireModule.forRootAsync({ imports: [StoreModule], useFactory: () => ({ sessions }) })]);
  });

  it('may be an instance, which need not extend the class', async () => {
    const manager = new MemorySessionManager();
    expect((await start([WebwireModule.forRoot({ sessions: { manager, ...counting } })])).manager).toBe(manager);
    expect(manager.size).toBe(1);
    await app!.close();
    const plain = { onSessionCreated() {}, onSessionLookup: () => null, onSessionClosed() {} };
    expect((await start([WebwireModule.forRoot({ sessions: { manager: plain, ...counting } })])).manager).toBe(plain);
  });

  it('may be the provider of the token in any module, with a service that needs the manager', async () => {
    @Injectable()
    class Reporting extends DatabaseSessionManager {
      constructor(
        database: Database,
        readonly service: WebwireService,
      ) {
        super(database);
      }
    }
    const providers = [{ provide: SessionManager, useClass: Reporting }];
    const module = WebwireModule.forRoot({ sessions: counting });
    await start([module], { imports: [DatabaseModule], providers });
    expect(app!.get(Database).rows.size).toBe(1);
    await app!.close();

    @Module({ imports: [DatabaseModule], providers: [{ provide: SessionManager, useClass: DatabaseSessionManager }] })
    class Hidden {}
    const gateway = await start([module, Hidden]);
    expect(gateway.manager).toBeInstanceOf(DatabaseSessionManager);
    expect(app!.get(Database).rows.size).toBe(1);
  });

  it('in the options goes before a provider of the token', async () => {
    const manager = new MemorySessionManager();
    const providers = [{ provide: SessionManager, useValue: new MemorySessionManager() }];
    await start([WebwireModule.forRoot({ sessions: { manager, ...counting } })], { providers });
    expect(manager.size).toBe(1);
  });

  it('outlives the shutdown of the server, then is destroyed with the rest', async () => {
    const module = WebwireModule.forRoot({
      imports: [DatabaseModule],
      sessions: { manager: DatabaseSessionManager, ...counting },
    });
    const { manager } = await start([module]);
    await app!.close();
    expect((manager as DatabaseSessionManager).isDestroyed).toBe(true);
  });

  it('keeps files by default', async () => {
    app = await TestApp.start({ providers: [Gateway] });
    expect(app.get(Gateway).manager).toBeInstanceOf(FileSessionManager);
    expect(app.get(Gateway).keyGenerator).toBeInstanceOf(RandomSessionKeyGenerator);
  });

  it('is absent where sessions are off', async () => {
    @WebwireGateway()
    class Off {
      constructor(
        @Inject(SessionManager) readonly manager: SessionManager | null,
        readonly service: WebwireService,
      ) {}
    }
    app = await TestApp.start({ providers: [Off] }, { sessions: false });
    expect(app.get(Off).manager).toBeNull();
    expect(app.get(Off).service.sessionCount).toBe(0);
    expect(app.get(Off).service.signalSession('key', 'x', 'y')).toBe(0);
    await app.get(Off).service.closeSession('key');
  });

  it.each<[string, unknown, string]>([
    ['lacks a method', { onSessionLookup: () => null }, 'with the methods onSessionCreated, onSessionLookup'],
    ['is null', { useFactory: () => null }, 'sessions.manager is null, but must be a SessionManager'],
    ['is text', 'file', "sessions.manager is 'file', but must be an instance, a class"],
  ])('that %s fails at start', async (_what, manager, message) => {
    const options = { sessions: { manager: manager as SessionManager } };
    await expect(TestApp.start({ providers: [Gateway] }, options)).rejects.toThrow(message);
  });

  it('with a dependency that nobody provides fails at start', async () => {
    const options = { sessions: { manager: DatabaseSessionManager as Type<SessionManager> } };
    await expect(TestApp.start({ providers: [Gateway] }, options)).rejects.toThrow(/Nest can't resolve dependencies/);
  });
});

describe('options of sessions', () => {
  it.each<[SessionOptions, string]>([
    [
      { maxConnections: 0 },
      'sessions.maxConnections is 0, but must be an integer of at least 1 (connections), or Infinity',
    ],
    [{ maxAge: -1 }, 'sessions.maxAge is -1'],
    [{ directory: '' }, "sessions.directory is '', but must be a path"],
    [{ keyGenerator: 5 as never }, 'sessions.keyGenerator is 5'],
    [{ manager: MemorySessionManager, directory: '/tmp/x' }, 'sessions.directory is '],
    [{ manger: 1 } as never, 'has no option sessions.manger; there are: manager, keyGenerator'],
  ])('that are bad fail at start: %j', async (sessions, message) => {
    await expect(TestApp.start({ providers: [Gateway] }, { sessions })).rejects.toThrow(message);
  });

  it('may switch sessions off for a gateway', async () => {
    @WebwireGateway({ path: '/off', sessions: false })
    class Off {
      @WebwireRequest('create') create(connection: WebwireConnection) {
        return connection.createSession().catch((error: { code: string; message: string }) => error.code);
      }
    }
    const manager = new MemorySessionManager();
    app = await TestApp.start({ providers: [Gateway, Off] }, { sessions: { manager } });
    const off = await app.connect('/off');
    expect(await off.ask('create')).toBe('utf8 SESSIONS_DISABLED');
    off.sendBytes('1f0100000000000000');
    expect((await off.nextBytes()).toString('hex')).toBe('050100000000000000');
    const on = await app.connect();
    on.sendBytes('1f0100000000000000');
    expect((await on.nextBytes()).toString('hex')).toBe('bf0100000000000000');
  });

  it('of an adapter without the module take instances', async () => {
    @WebwireGateway()
    class Alone {
      @WebwireRequest('create') async create(connection: WebwireConnection) {
        await connection.createSession();
      }
    }
    const manager = new MemorySessionManager();
    app = await TestApp.startWithout({ providers: [Alone] }, (nest) =>
      nest.useWebSocketAdapter(new WebwireAdapter(nest, { sessions: { manager } })),
    );
    const client = await app.connect();
    client.send('create');
    await client.next();
    expect(manager.size).toBe(1);
    await app.close();
    await expect(
      TestApp.startWithout({ providers: [Alone] }, (nest) =>
        nest.useWebSocketAdapter(new WebwireAdapter(nest, { sessions: { manager: MemorySessionManager } })),
      ),
    ).rejects.toThrow('without WebwireModule: an instance of it');
  });
});
