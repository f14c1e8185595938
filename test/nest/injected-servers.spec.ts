import { forwardRef, Injectable, Module, Scope } from '@nestjs/common';
import { LazyModuleLoader, ModuleRef, NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import {
  InjectWebwireServer,
  WebwireAdapter,
  WebwireConnection,
  WebwireGateway,
  WebwireModule,
  WebwireRequest,
  WebwireServer,
} from 'nestjs-webwire';
import { afterEach, describe, expect, it } from 'vitest';
import { isNestSince } from '../support/nest-version.js';
import { TestApp } from '../support/test-app.js';

@Injectable()
class Users {
  constructor(@InjectWebwireServer(forwardRef(() => Auth)) readonly server: WebwireServer) {}
}

@WebwireGateway()
class Auth {
  @WebSocketServer() server!: WebwireServer;
  @InjectWebwireServer(Auth) readonly own!: WebwireServer;
  readonly seen: WebwireServer[] = [];

  constructor(readonly users: Users) {}
  afterInit(server: WebwireServer) {
    this.seen.push(server);
  }
  @WebwireRequest('count') count() {
    return this.users.server.connections.size;
  }
}

@WebwireGateway({ path: '/admin' })
class Admin {
  @WebSocketServer() server!: WebwireServer;
}

@WebSocketGateway({ path: '/plain' })
class Plain {
  @WebSocketServer() server!: WebwireServer;
  @SubscribeMessage('x') x() {}
}

@Injectable()
class Everywhere {
  @InjectWebwireServer(Admin) readonly admin!: WebwireServer;
  constructor(
    @InjectWebwireServer(Auth) readonly auth: WebwireServer,
    @InjectWebwireServer(Plain) readonly plain: WebwireServer,
  ) {}
}

@Module({ providers: [Everywhere] })
class Feature {}

@Injectable({ scope: Scope.REQUEST })
class PerMessage {
  @InjectWebwireServer(Auth) readonly server!: WebwireServer;
}

/** Injects a server that most applications of this file do not have. */
@Injectable()
class Stranger {
  constructor(@InjectWebwireServer(Admin) readonly server: WebwireServer) {}
}

const opened: { close(): Promise<unknown> }[] = [];

function track<T extends { close(): Promise<unknown> }>(closable: T): T {
  opened.push(closable);
  return closable;
}

afterEach(async () => {
  for (const closable of opened.splice(0).toReversed()) await closable.close();
});

describe('an injected server', () => {
  it('is the one that the gateway has', async () => {
    const app = track(await TestApp.start({ imports: [Feature], providers: [Users, Auth, Admin, Plain] }));
    const [auth, everywhere] = [app.get(Auth), app.get(Everywhere)];
    expect(auth.server).toBeInstanceOf(WebwireServer);
    for (const server of [auth.users.server, auth.own, everywhere.auth, ...auth.seen]) expect(server).toBe(auth.server);
    expect(auth.seen).toHaveLength(1);
    expect(everywhere.admin).toBe(app.get(Admin).server);
    expect(everywhere.plain).toBe(app.get(Plain).server);
    expect(new Set([everywhere.auth, everywhere.admin, everywhere.plain]).size).toBe(3);
    expect(everywhere.admin.options.path).toBe('/admin');
    expect(await (await app.connect()).ask('count')).toBe('utf8 1');
    expect(everywhere.auth.address).toMatchObject({ port: app.port });
  });

  it('has the options of the module, and of the gateway', async () => {
    const providers = [Users, Auth];
    const app = track(await TestApp.start({ providers }, { readTimeout: 5_000, gateways: { Auth: { port: 0 } } }));
    expect(app.get(Users).server).toBe(app.get(Auth).server);
    expect(app.get(Users).server.options.readTimeout).toBe(5_000);
  });

  it('is the same with an adapter that was installed by hand', async () => {
    const metadata = { imports: [WebwireModule.forRoot({ readTimeout: 5_000 })], providers: [Users, Auth] };
    const app = track(
      await TestApp.startWithout(metadata, (nest) => nest.useWebSocketAdapter(new WebwireAdapter(nest))),
    );
    expect(app.get(Users).server).toBe(app.get(Auth).server);
    expect(app.get(Users).server.options.readTimeout).toBe(5_000);
  });

  it('cannot have other options than it was made with', async () => {
    const useOwn = { imports: [WebwireModule.forRoot()], providers: [Users, Auth] };
    await expect(
      TestApp.startWithout(useOwn, (nest) => nest.useWebSocketAdapter(new WebwireAdapter(nest, { readTimeout: 1 }))),
    ).rejects.toThrow('give the options to WebwireModule.forRoot() instead');
  });

  it('is each application its own', async () => {
    const start = async () => track(await TestApp.start({ providers: [Users, Auth] }));
    const [first, second] = [await start(), await start()];
    expect(first.get(Users).server).not.toBe(second.get(Users).server);
    await first.close();
    expect(await (await second.connect()).ask('count')).toBe('utf8 1');
  });

  it('is found for scoped providers', async () => {
    @Injectable({ scope: Scope.TRANSIENT })
    class Transient {
      constructor(@InjectWebwireServer(Auth) readonly server: WebwireServer) {}
    }
    @WebwireGateway()
    class Scoped {
      @WebSocketServer() server!: WebwireServer;
      constructor(
        readonly transient: Transient,
        readonly perMessage: PerMessage,
      ) {}
      @WebwireRequest('scoped') scoped(connection: WebwireConnection) {
        const servers = [this.server, this.transient.server, this.perMessage.server];
        return servers.every((server) => [...server.connections].includes(connection));
      }
    }
    const app = track(await TestApp.start({ providers: [PerMessage, Transient, Scoped, Users, Auth] }));
    expect(await (await app.connect()).ask('scoped')).toBe('utf8 true');
  });

  it('exists without a listening application, and is idle', async () => {
    const imports = [WebwireModule.forRoot()];
    const module = track(await Test.createTestingModule({ imports, providers: [Users, Auth] }).compile());
    expect(module.get(Users).server).toMatchObject({ address: null, connections: new Set() });
  });

  it('belongs to the replacement of an overridden gateway', async () => {
    @WebwireGateway({ path: '/other' })
    class Substitute {
      @WebSocketServer() server!: WebwireServer;
    }
    const app = track(
      await TestApp.start({ providers: [Everywhere, Plain, Admin, { provide: Auth, useClass: Substitute }] }),
    );
    expect(app.get(Everywhere).auth.options.path).toBe('/other');
    const same = [{ provide: 'gateway', useClass: Auth }, Users];
    const other = track(await TestApp.start({ providers: same }));
    expect(other.get(Users).server.options.path).toBe('/');
  });

  it('of a gateway that the application does not have is an error at start', async () => {
    await expect(TestApp.start({ providers: [Users, Auth, Stranger] })).rejects.toMatchObject({
      message: '@InjectWebwireServer(): the application has no gateway Admin; there are: Auth',
      code: 'INVALID_OPTION',
    });
    await expect(TestApp.start({ providers: [Stranger] })).rejects.toThrow('no gateway Admin; there are: none');
    const withoutModule = { module: class {}, providers: [Stranger] };
    await expect(
      NestFactory.createApplicationContext(withoutModule, { logger: false, abortOnError: false }),
    ).rejects.toThrow('WebwireServer of Admin');
  });

  it('needs a class', () => {
    expect(() => InjectWebwireServer(undefined as never)).toThrow(
      'needs the class of a gateway, and got undefined; where files import each other in a circle, give it forwardRef(',
    );
    expect(() => InjectWebwireServer('Auth' as never)).toThrow(TypeError);
  });
});

describe('a server injected into a class that is loaded after the start', () => {
  /** Declares a module when it is called, as `await import()` does. */
  function lazyModule() {
    @Injectable()
    class Late {
      @InjectWebwireServer(Plain) readonly plain!: WebwireServer;
      constructor(
        @InjectWebwireServer(Auth) readonly auth: WebwireServer,
        @InjectWebwireServer(forwardRef(() => Admin)) readonly admin: WebwireServer,
      ) {}
    }
    @Module({ providers: [Late], exports: [Late] })
    class LateModule {}
    return { Late, LateModule };
  }
  const metadata = { imports: [WebwireModule.forRoot()], providers: [Users, Auth, Admin, Plain] };

  it('is that of its gateway, in a lazily loaded module', async () => {
    const app = track(await TestApp.start({ providers: [Users, Auth, Admin, Plain] }));
    const { Late, LateModule } = lazyModule();
    const late = (await app.get(LazyModuleLoader).load(() => LateModule)).get(Late);
    expect(late.auth).toBe(app.get(Auth).server);
    expect(late.admin).toBe(app.get(Admin).server);
    expect(late.plain).toBe(app.get(Plain).server);
  });

  it('is found before the application is initialised', async () => {
    const app = track(await NestFactory.create({ module: class {}, ...metadata }, { logger: false }));
    const { Late, LateModule } = lazyModule();
    const late = (await app.get(LazyModuleLoader).load(() => LateModule)).get(Late);
    await app.init();
    expect(late.auth).toBe(app.get(Auth).server);
    expect(late.admin).toBe(app.get(Admin).server);
  });

  it('is found for a class that a ModuleRef creates', async () => {
    const app = track(await TestApp.start({ providers: [Users, Auth, Admin, Plain] }));
    const { Late } = lazyModule();
    const late = await app.app.get(ModuleRef).create(Late);
    // Nest before 11.1.20 leaves transient dependencies of such classes undefined, as docs/connections.md says.
    expect(late.plain).toBe(isNestSince('11.1.20') ? app.get(Plain).server : undefined);
  });

  it('is each application its own', async () => {
    const start = async () => track(await TestApp.start({ providers: [Users, Auth, Admin, Plain] }));
    const [first, second] = [await start(), await start()];
    const { Late, LateModule } = lazyModule();
    const load = async (app: TestApp) => (await app.get(LazyModuleLoader).load(() => LateModule)).get(Late).auth;
    expect(await load(first)).toBe(first.get(Auth).server);
    expect(await load(second)).toBe(second.get(Auth).server);
  });

  it('is not there for a gateway that the application does not have', async () => {
    const app = track(await TestApp.start({ providers: [Users, Auth] }));
    const { LateModule } = lazyModule();
    await expect(app.get(LazyModuleLoader).load(() => LateModule)).rejects.toThrow('has no gateway');
  });
});
