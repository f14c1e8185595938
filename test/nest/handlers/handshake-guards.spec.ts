import {
  BadRequestException,
  ForbiddenException,
  Inject,
  Injectable,
  Scope,
  SetMetadata,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import {
  APP_GUARD,
  ContextIdFactory,
  ModuleRef,
  REQUEST,
  Reflector,
  type ContextId,
  type HostComponentInfo,
} from '@nestjs/core';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  Handshake,
  UseHandshakeGuards,
  WebwireConnection,
  WebwireGateway,
  WebwireModule,
  WebwireRequest,
} from 'nestjs-webwire';
import { IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EMPTY, of } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { refusal } from '../../support/refusal.js';
import { TestApp } from '../../support/test-app.js';
import { WireClient, describe as show } from '../../support/wire-client.js';

let app: TestApp | undefined;

afterEach(async () => {
  await app?.close();
  app = undefined;
});

async function start(...args: Parameters<typeof TestApp.start>): Promise<TestApp> {
  app = await TestApp.start(...args);
  return app;
}

type Guard = Parameters<typeof UseHandshakeGuards>[number];

/** A gateway with these guards, and a handler that returns the info that they set. */
function guardedBy(...guards: Guard[]) {
  @UseHandshakeGuards(...guards)
  @WebwireGateway()
  class Gateway {
    @WebwireRequest('info') info(@ConnectedSocket() { info }: WebwireConnection) {
      return info;
    }
  }
  return Gateway;
}

function guard(canActivate: (context: ExecutionContext) => unknown): CanActivate {
  return { canActivate } as CanActivate;
}

function handshakeOf(context: ExecutionContext): Handshake {
  return context.switchToWs().getData();
}

/** A guard that records its name and passes. */
function noting(notes: string[], name: string): CanActivate {
  return guard((context) => {
    notes.push(`${name} of ${context.getClass().name}`);
    return true;
  });
}

@Injectable()
class Users {
  find(token: string | null) {
    return token === 'secret' ? 'Ada' : undefined;
  }
}

@Injectable()
class TokenGuard implements CanActivate {
  constructor(private readonly users: Users) {}

  canActivate(context: ExecutionContext) {
    const { url = '' } = context.switchToHttp().getRequest<IncomingMessage>();
    const user = this.users.find(new URLSearchParams(url.split('?')[1]).get('token'));
    if (!user) throw new UnauthorizedException('who are you?');
    handshakeOf(context).info = { user };
    return true;
  }
}

describe('a handshake guard', () => {
  it('decides whether a client may connect, and sets its info', async () => {
    await start({ providers: [guardedBy(TokenGuard), Users] });
    const client = await app!.connect('/?token=secret');
    expect(await client.ask('info')).toBe('utf8 {"user":"Ada"}');
    expect(await refusal(app!.url('/?token=wrong'))).toBe('401 who are you?');
    expect(await refusal(app!.url())).toBe('401 who are you?');
    expect(app!.logger.at('error')).toEqual([]);
  });

  it('works on a plain gateway', async () => {
    @UseHandshakeGuards(TokenGuard)
    @WebSocketGateway()
    class Plain {
      @SubscribeMessage('user') user(@ConnectedSocket() { info }: WebwireConnection) {
        return info.user;
      }
    }
    await start({ providers: [Plain, Users] });
    const client = await app!.connect('/?token=secret');
    expect(await client.ask('user')).toBe('utf8 Ada');
    expect(await refusal(app!.url())).toBe('401 who are you?');
  });

  it('runs once for a connection, never for a message', async () => {
    let asked = 0;
    await start({ providers: [guardedBy(guard(() => ++asked))] });
    const client = await app!.connect();
    expect(await client.ask('info')).toBe('utf8 {}');
    expect(await client.ask('info')).toBe('utf8 {}');
    expect(asked).toBe(1);
  });

  it('sees the upgrade request, the handshake, and the gateway with its metadata', async () => {
    const Roles = Reflector.createDecorator<string>();
    const seen: Record<string, unknown> = {};
    @Injectable()
    class Curious implements CanActivate {
      constructor(private readonly reflector: Reflector) {}
      canActivate(context: ExecutionContext) {
        const handshake = handshakeOf(context);
        const targets = [context.getHandler(), context.getClass()];
        Object.assign(seen, {
          type: context.getType(),
          gateway: context.getClass(),
          isRequest: context.switchToHttp().getRequest() instanceof IncomingMessage,
          isOne: [context.switchToWs().getClient(), handshake.request, context.getArgByIndex(0)].every(
            (request) => request === context.switchToHttp().getRequest(),
          ),
          isHandshake: handshake instanceof Handshake,
          address: handshake.remoteAddress,
          limit: handshake.concurrencyLimit,
          response: context.switchToHttp().getResponse(),
          next: context.switchToHttp().getNext(),
          pattern: context.switchToWs().getPattern(),
          ofHandler: this.reflector.get(Roles, context.getHandler()),
          role: this.reflector.getAllAndOverride(Roles, targets),
          all: this.reflector.getAllAndMerge('numbers', targets),
        });
        return true;
      }
    }
    @Roles('admin')
    @SetMetadata('numbers', [1, 2])
    @UseHandshakeGuards(Curious)
    @WebwireGateway({ concurrencyLimit: 7 })
    class Gateway {}
    await start({ providers: [Gateway] });
    await app!.connect();
    expect(seen).toEqual({
      type: 'http',
      gateway: Gateway,
      isRequest: true,
      isOne: true,
      isHandshake: true,
      address: '127.0.0.1',
      limit: 7,
      response: undefined,
      next: undefined,
      pattern: undefined,
      ofHandler: undefined,
      role: 'admin',
      all: [1, 2],
    });
  });

  it('may write to the request, as those of Passport do, for those after it', async () => {
    type WithUser = IncomingMessage & { user?: string };
    const passport = guard((context) => {
      const request = context.switchToHttp().getRequest<WithUser>();
      request.user = `bearer of ${request.headers.authorization}`;
      return true;
    });
    const keeper = guard((context) => {
      handshakeOf(context).info.user = context.switchToHttp().getRequest<WithUser>().user;
      return true;
    });
    await start({ providers: [guardedBy(passport, keeper)] });
    const client = await WireClient.connect(app!.url(), { headers: { Authorization: 'Bearer abc' } });
    expect(await client.ask('info')).toBe('utf8 {"user":"bearer of Bearer abc"}');
    await client.close();
  });

  it.each<[string, unknown, string]>([
    ['a promise of true', Promise.resolve(true), 'in'],
    ['a promise of false', Promise.resolve(false), '403 Forbidden resource'],
    ['an Observable of true', of(true), 'in'],
    ['an Observable that ends with true', of(false, true), 'in'],
    ['an Observable that ends with false', of(true, false), '403 Forbidden resource'],
    ['an empty Observable', EMPTY, '403 Forbidden resource'],
    ['a promise of an Observable of false', Promise.resolve(of(false)), '403 Forbidden resource'],
    // eslint-disable-next-line unicorn/no-thenable
    ['a thenable of false', { then: (resolve: (passes: boolean) => void) => resolve(false) }, '403 Forbidden resource'],
    ['false', false, '403 Forbidden resource'],
    ['nothing', undefined, '403 Forbidden resource'],
    ['an error', new ForbiddenException('not you'), '403 not you'],
    ['a promise of an error', Promise.resolve(new UnauthorizedException()), '401 Unauthorized'],
  ])('that returns %s: %s', async (_what, result, outcome) => {
    await start({ providers: [guardedBy(guard(() => result))] });
    const answer = outcome === 'in' ? app!.connect().then(() => 'in') : refusal(app!.url());
    expect(await answer).toBe(outcome);
    expect(app!.logger.at('error')).toEqual([]);
  });

  it('may set how many handlers run at once', async () => {
    const running: string[] = [];
    const slow = guard((context) => {
      handshakeOf(context).concurrencyLimit = 1;
      return true;
    });
    const ends: (() => void)[] = [];
    @UseHandshakeGuards(slow)
    @WebwireGateway({ concurrencyLimit: 10 })
    class Gateway {
      @WebwireRequest('run') async run(@MessageBody() name: string) {
        running.push(name);
        await new Promise<void>((resolve) => {
          ends.push(resolve);
        });
        return [...running];
      }
      @WebwireRequest('release') release() {
        ends.shift()!();
      }
    }
    await start({ providers: [Gateway] });
    const [one, other] = [await app!.connect(), await app!.connect()];
    one.send('run', 'a');
    one.send('run', 'b');
    expect(await other.ask('release')).toBe('binary');
    expect(show(await one.next())).toBe('utf8 ["a"]');
    expect(await other.ask('release')).toBe('binary');
    expect(show(await one.next())).toBe('utf8 ["a","b"]');
  });

  it.each([
    ['concurrencyLimit', 0, 'handshake.concurrencyLimit is 0'],
    ['concurrencyLimit', '4', "handshake.concurrencyLimit is '4'"],
    ['info', null, 'handshake.info is null'],
    ['info', 'Ada', "handshake.info is 'Ada'"],
  ])('that sets %s to %s is logged, and rejects the client', async (property, value, message) => {
    const wrong = guard((context) => Object.assign(handshakeOf(context), { [property]: value }));
    await start({ providers: [guardedBy(wrong)] });
    expect(await refusal(app!.url())).toBe('500 internal server error');
    expect(await app!.logger.logged('error', 'A handshake failed')).toContain(message);
  });
});

describe('several handshake guards', () => {
  it('run in order until one refuses', async () => {
    const notes: string[] = [];
    const refuse = guard(() => {
      throw new BadRequestException('third');
    });
    await start({
      providers: [guardedBy(noting(notes, 'first'), noting(notes, 'second'), refuse, noting(notes, 'fourth'))],
    });
    expect(await refusal(app!.url())).toBe('400 third');
    expect(notes).toEqual(['first of Gateway', 'second of Gateway']);
  });

  it('of all gateways of a server run, each with its own class', async () => {
    const notes: string[] = [];
    const shared = noting(notes, 'shared');
    @UseHandshakeGuards(shared, noting(notes, 'one'))
    @WebwireGateway()
    class One {}
    @WebwireGateway()
    class Open {}
    @UseHandshakeGuards(shared)
    @WebSocketGateway()
    class Two {}
    @UseHandshakeGuards(guard(() => false))
    @WebwireGateway({ path: '/other' })
    class Elsewhere {}
    await start({ providers: [One, Open, Two, Elsewhere] });
    await app!.connect();
    expect(notes).toEqual(['shared of One', 'one of One', 'shared of Two']);
    expect(await refusal(app!.url('/other'))).toBe('403 Forbidden resource');
  });

  it('are inherited: those of the parent run first', async () => {
    const notes: string[] = [];
    @UseHandshakeGuards(noting(notes, 'parent'))
    abstract class Parent {}
    @WebwireGateway()
    class Heir extends Parent {}
    @UseHandshakeGuards(noting(notes, 'last'))
    @UseHandshakeGuards(noting(notes, 'own'))
    @WebwireGateway()
    class Richer extends Parent {}
    await start({ providers: [Heir, Richer] });
    await app!.connect();
    expect(notes).toEqual(['parent of Heir', 'parent of Richer', 'own of Richer', 'last of Richer']);
  });

  it('are none of the global guards, nor of those of messages', async () => {
    const notes: string[] = [];
    @UseHandshakeGuards(noting(notes, 'handshake'))
    @UseGuards(noting(notes, 'message'))
    @WebwireGateway()
    class Gateway {
      @WebwireRequest('x') x() {}
    }
    const provided = { provide: APP_GUARD, useValue: noting(notes, 'provided') };
    await start({ providers: [Gateway, provided] }, {}, (nest) => nest.useGlobalGuards(noting(notes, 'global')));
    const client = await app!.connect();
    expect(notes.splice(0)).toEqual(['handshake of Gateway']);
    await client.ask('x');
    expect(notes).toEqual(['provided of Gateway', 'global of Gateway', 'message of Gateway']);
  });

  it('may be none', async () => {
    await start({ providers: [guardedBy()] });
    await app!.connect();
  });
});

describe('a guard made by DI', () => {
  it('lives in the module of its gateway, once, with the hooks of the life cycle', async () => {
    const notes: string[] = [];
    @Injectable()
    class Own implements CanActivate, OnModuleInit, OnModuleDestroy {
      constructor(@Inject('NAME') private readonly name: string) {
        notes.push(`${name} made`);
      }
      onModuleInit() {
        notes.push(`${this.name} init`);
      }
      onModuleDestroy() {
        notes.push(`${this.name} destroy`);
      }
      canActivate() {
        notes.push(`${this.name} asked`);
        return true;
      }
    }
    @UseHandshakeGuards(Own)
    @UseGuards(Own)
    @WebwireGateway()
    class Gateway {
      @WebwireRequest('x') x() {}
    }
    class Feature {}
    const name = { provide: 'NAME', useValue: 'feature' };
    await start({ imports: [{ module: Feature, providers: [Gateway, name] }] });
    const client = await app!.connect();
    await client.ask('x');
    await app!.close();
    expect(notes).toEqual(['feature made', 'feature init', 'feature asked', 'feature asked', 'feature destroy']);
  });

  it('fails the start when its dependencies are missing', async () => {
    await expect(start({ providers: [guardedBy(TokenGuard)] })).rejects.toThrow(/dependencies of the TokenGuard/);
  });

  type Overriding = ReturnType<ReturnType<typeof Test.createTestingModule>['overrideGuard']>;
  class Closed implements CanActivate {
    canActivate() {
      return false;
    }
  }

  it.each<[string, (overriding: Overriding) => TestingModuleBuilder]>([
    ['a value', (overriding) => overriding.useValue(new Closed())],
    ['a class', (overriding) => overriding.useClass(Closed)],
    ['a factory', (overriding) => overriding.useFactory({ factory: () => new Closed() })],
  ])('can be overridden in tests by %s', async (_what, override) => {
    const builder = Test.createTestingModule({
      imports: [WebwireModule.forRoot()],
      providers: [guardedBy(TokenGuard), Users],
    });
    const module = await override(builder.overrideGuard(TokenGuard)).compile();
    const nest = module.createNestApplication({ logger: false });
    await nest.listen(0, '127.0.0.1');
    const { port } = (nest.getHttpServer() as Server).address() as AddressInfo;
    expect(await refusal(`ws://127.0.0.1:${port}/?token=secret`)).toBe('403 Forbidden resource');
    await nest.close();
  });

  it('fails the start when it is none', async () => {
    class Service {}
    await expect(start({ providers: [guardedBy(Service as never)] })).rejects.toThrow(
      'Service, a handshake guard of Gateway, has no method canActivate',
    );
  });
});

describe('a request-scoped guard', () => {
  const notes: string[] = [];
  let made: number;

  @Injectable({ scope: Scope.REQUEST })
  class PerRequest {
    readonly number = ++made;
  }

  @Injectable({ scope: Scope.REQUEST })
  class OwnScope implements CanActivate {
    constructor(
      @Inject(REQUEST) private readonly request: IncomingMessage,
      private readonly scoped: PerRequest,
    ) {}
    canActivate(context: ExecutionContext) {
      const isSame = this.request === context.switchToHttp().getRequest();
      notes.push(`own ${this.scoped.number} ${this.request.url} ${isSame}`);
      return true;
    }
  }

  @Injectable()
  class ByDependency implements CanActivate {
    constructor(
      private readonly scoped: PerRequest,
      private readonly moduleRef: ModuleRef,
    ) {}
    async canActivate(context: ExecutionContext) {
      const contextId = ContextIdFactory.getByRequest(context.switchToHttp().getRequest());
      const resolved = await this.moduleRef.resolve(PerRequest, contextId);
      notes.push(`dependency ${this.scoped.number} ${resolved === this.scoped}`);
      return true;
    }
  }

  let gateways: number;

  @UseHandshakeGuards(OwnScope, ByDependency)
  @WebwireGateway()
  class Gateway {
    readonly number = ++gateways;
    @WebwireRequest('number') answer() {
      return `${this.number} ${gateways}`;
    }
  }

  afterEach(() => {
    notes.length = 0;
  });

  it('is made for each upgrade, with its request, and leaves the gateway as it is', async () => {
    made = gateways = 0;
    await start({ providers: [Gateway, PerRequest] });
    const one = await app!.connect('/?a');
    await app!.connect('/?b');
    expect(notes).toEqual(['own 1 /?a true', 'dependency 1 true', 'own 2 /?b true', 'dependency 2 true']);
    expect(await one.ask('number')).toBe('utf8 1 1');
    expect(await one.ask('number')).toBe('utf8 1 1');
    expect(made).toBe(2);
    expect(app!.get(Gateway).number).toBe(1);
  });

  it('is not made for messages of a gateway that is request-scoped itself', async () => {
    made = gateways = 0;
    @UseHandshakeGuards(OwnScope)
    @WebSocketGateway()
    class Scoped {
      constructor(@Inject(REQUEST) private readonly connection: WebwireConnection) {}
      @SubscribeMessage('own') own(@ConnectedSocket() connection: WebwireConnection) {
        return connection === this.connection;
      }
    }
    await start({ providers: [Scoped, PerRequest] });
    const client = await app!.connect();
    expect(await client.ask('own')).toBe('utf8 true');
    expect(made).toBe(1);
  });

  it('still guards messages too, where it is used for them', async () => {
    const requests: unknown[] = [];
    @Injectable({ scope: Scope.REQUEST })
    class Both implements CanActivate {
      constructor(@Inject(REQUEST) private readonly request: object) {}
      canActivate() {
        requests.push(this.request.constructor);
        return true;
      }
    }
    @UseHandshakeGuards(Both)
    @UseGuards(Both)
    @WebwireGateway()
    class Guarded {
      @WebwireRequest('x') x() {}
    }
    await start({ providers: [Guarded] });
    const client = await app!.connect();
    await client.ask('x');
    expect(requests).toEqual([IncomingMessage, WebwireConnection]);
  });

  it('rejects the client with an exception of its constructor', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Strict implements CanActivate {
      constructor() {
        throw new UnauthorizedException('in the constructor');
      }
      canActivate() {
        return true;
      }
    }
    await start({ providers: [guardedBy(Strict)] });
    expect(await refusal(app!.url())).toBe('401 in the constructor');
  });

  it('may be durable: made for each tenant', async () => {
    let tenants = 0;
    @Injectable({ scope: Scope.REQUEST, durable: true })
    class Tenant implements CanActivate {
      readonly #number = ++tenants;
      constructor(@Inject(REQUEST) private readonly payload: { tenant: string }) {}
      canActivate(context: ExecutionContext) {
        handshakeOf(context).info.tenant = `${this.payload.tenant} ${this.#number}`;
        return true;
      }
    }
    const ids = new Map<string, ContextId>();
    ContextIdFactory.apply({
      attach(contextId: ContextId, { url = '' }: { url?: string }) {
        const tenant = url.slice(2);
        const parent = ids.get(tenant) ?? ContextIdFactory.create();
        ids.set(tenant, parent);
        return {
          resolve: (info: HostComponentInfo) => (info.isTreeDurable ? parent : contextId),
          payload: { tenant },
        };
      },
    });
    try {
      made = 0;
      await start({ providers: [guardedBy(Tenant, OwnScope), PerRequest] });
      const infos: string[] = [];
      for (const tenant of ['a', 'b', 'a']) {
        const client = await app!.connect(`/?${tenant}`);
        infos.push(await client.ask('info'));
      }
      expect(infos).toEqual(['utf8 {"tenant":"a 1"}', 'utf8 {"tenant":"b 2"}', 'utf8 {"tenant":"a 1"}']);
      expect(notes).toEqual(['own 1 /?a true', 'own 2 /?b true', 'own 3 /?a true']);
    } finally {
      ContextIdFactory.apply(undefined as never);
    }
  });
});

it('a transient guard is made once for each gateway', async () => {
  let made = 0;
  @Injectable({ scope: Scope.TRANSIENT })
  class Counting implements CanActivate {
    readonly #number = ++made;
    canActivate(context: ExecutionContext) {
      handshakeOf(context).info[context.getClass().name] = this.#number;
      return true;
    }
  }
  @UseHandshakeGuards(Counting)
  @WebwireGateway()
  class Second {}
  await start({ providers: [guardedBy(Counting), Second] });
  // Nest 12.0.1 makes one that belongs to no gateway first, so the numbers differ.
  const first = await (await app!.connect()).ask('info');
  const numbers = JSON.parse(first.replace('utf8 ', '')) as { Gateway: number; Second: number };
  expect(numbers.Second).toBe(numbers.Gateway + 1);
  const atStart = made;
  expect(await (await app!.connect()).ask('info')).toBe(first);
  expect(made).toBe(atStart);
});

describe('a transient guard that depends on a request-scoped provider', () => {
  let made = 0;

  @Injectable({ scope: Scope.REQUEST })
  class Requested {
    readonly isUpgrade: boolean;
    constructor(@Inject(REQUEST) request: object) {
      this.isUpgrade = request instanceof IncomingMessage;
    }
  }

  @Injectable({ scope: Scope.TRANSIENT })
  class Counting implements CanActivate {
    readonly #number = ++made;
    constructor(@Inject(Requested) private readonly requested: Requested) {}
    canActivate(context: ExecutionContext) {
      const note = `${this.#number} ${this.requested.isUpgrade ? 'upgrade' : 'message'}`;
      if (this.requested.isUpgrade) handshakeOf(context).info.guard = note;
      else context.switchToWs().getClient<WebwireConnection>().info.guard = note;
      return true;
    }
  }

  class Numbered {
    static made = 0;
    readonly number = ++Numbered.made;
    @WebwireRequest('info') info(@ConnectedSocket() { info }: WebwireConnection) {
      return `${String(info.guard)} ${this.number}`;
    }
  }

  it('is made for each upgrade, and leaves the gateway as it is', async () => {
    @UseHandshakeGuards(Counting)
    @WebwireGateway()
    class Gateway extends Numbered {}
    Numbered.made = 0;
    await start({ providers: [Gateway, Requested] });
    made = 0;
    const [a, b] = [await app!.connect(), await app!.connect()];
    expect(await a.ask('info')).toBe('utf8 1 upgrade 1');
    expect(await b.ask('info')).toBe('utf8 2 upgrade 1');
  });

  it('is made for each message, too, where it guards messages', async () => {
    @UseGuards(Counting)
    @UseHandshakeGuards(Counting)
    @WebwireGateway()
    class Gateway extends Numbered {}
    await start({ providers: [Gateway, Requested] });
    made = Numbered.made = 0;
    const client = await app!.connect();
    expect(made).toBe(1);
    expect(await client.ask('info')).toBe('utf8 2 message 1');
    expect(await client.ask('info')).toBe('utf8 3 message 2');
  });
});

describe('@UseHandshakeGuards()', () => {
  it.each([
    [undefined, 'undefined (do two files import each other?)'],
    [null, 'null'],
    ['JwtGuard', '"JwtGuard"'],
    [{}, 'of type object'],
    [() => true, 'of type function'],
  ])('rejects a value that is no guard: %s', (wrong, description) => {
    expect(() => guardedBy(TokenGuard, wrong as never)).toThrow(
      new TypeError(
        `argument 2 of @UseHandshakeGuards() on Gateway is ${description}, ` +
          'but must be a guard: a class, or an object with the method canActivate',
      ),
    );
  });

  it('refuses to stand on a method', () => {
    const decorate = () => {
      class Gateway {
        @(UseHandshakeGuards(TokenGuard) as MethodDecorator) handler() {}
      }
      return Gateway;
    };
    expect(decorate).toThrow(new TypeError('@UseHandshakeGuards() stands on a class, not on a method'));
  });

  it('adds nothing that shows to instances', () => {
    const gateway = new (guardedBy(TokenGuard))();
    const names: string[] = [];
    for (const name in gateway) names.push(name);
    expect(names).toEqual([]);
  });
});
