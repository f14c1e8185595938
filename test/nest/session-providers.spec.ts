import { Inject, Injectable, Module, Scope, type ModuleMetadata, type Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
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
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { deferred } from '../support/deferred.js';
import { TestApp } from '../support/test-app.js';
import { WireClient } from '../support/wire-client.js';

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

  it('with a missing dependency fails the start', async () => {
    const options = { sessions: { manager: DatabaseSessionManager as Type<SessionManager> } };
    await expect(TestApp.start({ providers: [Gateway] }, options)).rejects.toThrow(/Nest can't resolve dependencies/);
  });
});

describe('life-cycle hooks of a session manager', () => {
  const calls: string[] = [];

  @Injectable()
  class Pool {
    isOpen = false;
    onModuleInit() {
      this.isOpen = true;
    }
    onModuleDestroy() {
      this.isOpen = false;
    }
  }
  @Module({ providers: [Pool], exports: [Pool] })
  class PoolModule {}
  @Injectable()
  class PoolSessionManager extends MemorySessionManager {
    constructor(private readonly pool: Pool) {
      super();
    }
    onModuleInit() {
      calls.push(`init ${this.pool.isOpen}`);
    }
    onModuleDestroy() {
      calls.push(`destroy ${this.pool.isOpen}`);
    }
  }
  @Module({ imports: [PoolModule], providers: [PoolSessionManager], exports: [PoolSessionManager] })
  class StoreModule {}
  @Module({ imports: [PoolModule], providers: [{ provide: SessionManager, useClass: PoolSessionManager }] })
  class OwnModule {}
  const useFactory = (pool: Pool) => new PoolSessionManager(pool);

  it.each<[string, ModuleMetadata['imports']]>([
    ['a class', [WebwireModule.forRoot({ imports: [PoolModule], sessions: { manager: PoolSessionManager } })]],
    [
      'useFactory',
      [WebwireModule.forRoot({ imports: [PoolModule], sessions: { manager: { useFactory, inject: [Pool] } } })],
    ],
    [
      'useExisting',
      [WebwireModule.forRoot({ imports: [StoreModule], sessions: { manager: { useExisting: PoolSessionManager } } })],
    ],
    ['a provider of the token', [WebwireModule.forRoot(), OwnModule]],
  ])('are called once, while its dependencies are there: %s', async (_way, imports) => {
    calls.length = 0;
    app = await TestApp.startWithout({ imports, providers: [Gateway] });
    await app.close();
    expect(calls).toEqual(['init true', 'destroy true']);
  });
});

describe('overriding in a testing module', () => {
  it('replaces the manager and the key generator in use', async () => {
    const manager = new MemorySessionManager();
    const module = await Test.createTestingModule({ imports: [WebwireModule.forRoot()], providers: [Gateway] })
      .overrideProvider(SessionManager)
      .useValue(manager)
      .overrideProvider(SessionKeyGenerator)
      .useValue(new CountingKeyGenerator())
      .compile();
    const nest = module.createNestApplication({ logger: false });
    await nest.listen(0, '127.0.0.1');
    const client = await WireClient.connect(`ws://127.0.0.1:${(nest.getHttpServer().address() as AddressInfo).port}`);
    client.send('create');
    await client.next();
    await client.next();
    expect(manager.size).toBe(1);
    expect(manager.onSessionLookup('key-1')).not.toBeNull();
    await client.close();
    await nest.close();
  });
});

it('a manager may inject the key generator', async () => {
  @Injectable()
  class Taking extends MemorySessionManager {
    constructor(readonly keys: SessionKeyGenerator) {
      super();
    }
  }
  app = await TestApp.start({ providers: [Gateway] }, { sessions: { manager: Taking } });
  expect((app.get(Gateway).manager as Taking).keys).toBe(app.get(Gateway).keyGenerator);
});

it('a provider of the token that lives for one request is refused', async () => {
  const providers = [Gateway, { provide: SessionManager, useClass: MemorySessionManager, scope: Scope.REQUEST }];
  await expect(TestApp.start({ providers })).rejects.toThrow('must be of the default scope');
});

it('an adapter with its own sessions cannot be used with the module', async () => {
  const own = { sessions: { manager: new MemorySessionManager() } };
  await expect(
    TestApp.start({ providers: [Gateway] }, {}, (nest) => nest.useWebSocketAdapter(new WebwireAdapter(nest, own))),
  ).rejects.toThrow('must be absent where WebwireModule is imported');
});

it('a shutdown waits for sessions that are created in handleConnection', async () => {
  const stored = deferred();
  const reached = deferred();
  const calls: string[] = [];
  const manager = {
    async onSessionCreated() {
      reached.resolve();
      await stored.promise;
      calls.push('stored');
    },
    onSessionLookup: () => null,
    onSessionClosed() {},
    onModuleDestroy: () => void calls.push('destroyed'),
  };
  @WebwireGateway()
  class Greeting {
    async handleConnection(connection: WebwireConnection) {
      await connection.createSession();
    }
  }
  app = await TestApp.start({ providers: [Greeting] }, { sessions: { manager } });
  await app.connect();
  await reached.promise;
  const closed = app.app.close();
  stored.resolve();
  await closed;
  expect(calls).toEqual(['stored', 'destroyed']);
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
    let destroyed = 0;
    const manager = Object.assign(new MemorySessionManager(), { onModuleDestroy: () => void destroyed++ });
    app = await TestApp.startWithout({ providers: [Alone] }, (nest) =>
      nest.useWebSocketAdapter(new WebwireAdapter(nest, { sessions: { manager } })),
    );
    const client = await app.connect();
    client.send('create');
    await client.next();
    expect(manager.size).toBe(1);
    await app.close();
    expect(destroyed).toBe(1);
    await expect(
      TestApp.startWithout({ providers: [Alone] }, (nest) =>
        nest.useWebSocketAdapter(new WebwireAdapter(nest, { sessions: { manager: MemorySessionManager } })),
      ),
    ).rejects.toThrow('without WebwireModule: an instance of it');
  });
});
