import {
  Catch,
  Inject,
  Injectable,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type ModuleMetadata,
  type NestInterceptor,
  type PipeTransform,
  type Provider,
  type Type,
} from '@nestjs/common';
import {
  APP_FILTER,
  APP_GUARD,
  APP_INTERCEPTOR,
  APP_PIPE,
  ContextIdFactory,
  REQUEST,
  type ContextId,
  type HostComponentInfo,
} from '@nestjs/core';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { WebwireConnection, WebwireGateway, WebwireMessage, WebwireRequest, type Message } from 'nestjs-webwire';
import { map } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { TestApp } from '../../support/test-app.js';

let app: TestApp | undefined;

async function start(metadata: ModuleMetadata) {
  app = await TestApp.start(metadata);
  return app.connect();
}

afterEach(async () => {
  await app?.close();
  app = undefined;
});

/** A dependency of enhancers. */
interface Rules {
  readonly forbidden: string;
}

@Injectable()
class StaticRules implements Rules {
  readonly forbidden = 'forbidden';
}

@Injectable({ scope: Scope.TRANSIENT })
class TransientRules implements Rules {
  readonly forbidden = 'forbidden';
}

@Injectable({ scope: Scope.REQUEST })
class RequestRules implements Rules {
  readonly forbidden: string;
  constructor(@Inject(REQUEST) connection: WebwireConnection) {
    this.forbidden = connection instanceof WebwireConnection ? 'forbidden' : 'nothing';
  }
}

@Injectable()
class RulesOfRequest implements Rules {
  readonly forbidden: string;
  constructor(@Inject(RequestRules) rules: Rules) {
    this.forbidden = rules.forbidden;
  }
}

interface Enhancers {
  readonly Guard: Type<CanActivate>;
  readonly Mark: Type<NestInterceptor>;
  readonly Pipe: Type<PipeTransform>;
  readonly Filter: Type<ExceptionFilter>;
  /** The name of each enhancer that was made. */
  readonly made: string[];
}

/** Enhancers whose fields are set only if their constructors have run. */
function makeEnhancers(scope: Scope, Dependency: Type<Rules>): Enhancers {
  const made: string[] = [];

  @Injectable({ scope })
  class Guard implements CanActivate {
    readonly number = made.push('guard');
    constructor(@Inject(Dependency) private readonly rules: Rules) {}
    canActivate(context: ExecutionContext) {
      return this.number > 0 && context.switchToWs().getData() !== this.rules.forbidden;
    }
  }

  @Injectable({ scope })
  class Mark implements NestInterceptor {
    readonly number = made.push('interceptor');
    constructor(@Inject(Dependency) private readonly rules: Rules) {}
    intercept(_context: ExecutionContext, next: CallHandler) {
      return next.handle().pipe(map((value: string) => `${value} intercepted:${this.rules.forbidden}`));
    }
  }

  @Injectable({ scope })
  class Pipe implements PipeTransform {
    readonly number = made.push('pipe');
    constructor(@Inject(Dependency) private readonly rules: Rules) {}
    transform(value: unknown) {
      return `${String(value)} piped:${this.rules.forbidden}`;
    }
  }

  @Injectable({ scope })
  @Catch(RangeError)
  class Filter implements ExceptionFilter {
    readonly number = made.push('filter');
    constructor(@Inject(Dependency) private readonly rules: Rules) {}
    catch(error: RangeError) {
      return `${error.message} filtered:${this.rules.forbidden}`;
    }
  }

  return { Guard, Mark, Pipe, Filter, made };
}

interface Kind {
  readonly name: string;
  readonly asGateway: () => ClassDecorator;
  readonly asHandler: () => MethodDecorator;
}

const KINDS: readonly Kind[] = [
  { name: '@WebwireGateway()', asGateway: () => WebwireGateway(), asHandler: () => WebwireRequest('x') },
  { name: '@WebSocketGateway()', asGateway: () => WebSocketGateway(), asHandler: () => SubscribeMessage('x') },
];

function makeGateway({ asGateway, asHandler }: Kind): Type<object> {
  @asGateway()
  class Gateway {
    @asHandler()
    x(@MessageBody() body: string) {
      if (body.startsWith('failing')) throw new RangeError(body);
      return body;
    }
  }
  return Gateway;
}

function decorators({ Guard, Mark, Pipe, Filter }: Enhancers) {
  return [UseGuards(Guard), UseInterceptors(Mark), UsePipes(Pipe), UseFilters(Filter)];
}

function globals({ Guard, Mark, Pipe, Filter }: Enhancers): Provider[] {
  return [
    { provide: APP_GUARD, useClass: Guard },
    { provide: APP_INTERCEPTOR, useClass: Mark },
    { provide: APP_PIPE, useClass: Pipe },
    { provide: APP_FILTER, useClass: Filter },
  ];
}

type Place = [place: string, apply: (enhancers: Enhancers, Gateway: Type<object>) => Provider[]];

const LOCAL: readonly Place[] = [
  [
    'the gateway',
    (enhancers, Gateway) => {
      for (const decorate of decorators(enhancers)) decorate(Gateway);
      return [Gateway];
    },
  ],
  [
    'the handler',
    (enhancers, Gateway) => {
      const prototype = Gateway.prototype as object;
      const method = Object.getOwnPropertyDescriptor(prototype, 'x')!;
      for (const decorate of decorators(enhancers)) decorate(prototype, 'x', method);
      return [Gateway];
    },
  ],
];

const GLOBAL: readonly Place[] = [
  ['the application', (enhancers, Gateway) => [Gateway, ...globals(enhancers)]],
  [
    'the application, where the gateway has another token',
    (enhancers, Gateway) => [{ provide: 'gateway', useClass: Gateway }, ...globals(enhancers)],
  ],
];

const OF_REQUEST = [RequestRules, RulesOfRequest];
const RULES = [StaticRules, TransientRules, ...OF_REQUEST];

describe.each(KINDS.flatMap((kind) => [...LOCAL, ...GLOBAL].map(([place, apply]) => ({ kind, place, apply }))))(
  'with $kind.name, enhancers of $place',
  ({ kind, place, apply }) => {
    const rows = [
      { scope: Scope.DEFAULT, name: 'static' },
      { scope: Scope.TRANSIENT, name: 'transient' },
      { scope: Scope.REQUEST, name: 'request-scoped' },
    ].flatMap(({ scope, name }) =>
      RULES.map((Dependency) => {
        const isScoped = scope === Scope.REQUEST || OF_REQUEST.includes(Dependency);
        return { scope, name, Dependency, isScoped, times: isScoped ? 'for each message' : 'once' };
      }),
    );
    // Nest decides by the class of a global enhancer alone if it is request-scoped.
    const supported = rows.filter(
      ({ scope, isScoped }) => scope !== Scope.DEFAULT || !isScoped || LOCAL.some(([local]) => local === place),
    );

    it.each(supported)(
      'that are $name, and depend on $Dependency.name, are made $times',
      async ({ scope, Dependency, isScoped }) => {
        const enhancers = makeEnhancers(scope, Dependency);
        const client = await start({ providers: [...apply(enhancers, makeGateway(kind)), ...RULES] });
        for (let i = 0; i < 2; i++) {
          enhancers.made.length = 0;
          expect(await client.ask('x', 'a')).toBe('utf8 a piped:forbidden intercepted:forbidden');
          expect(enhancers.made.toSorted()).toEqual(isScoped ? ['filter', 'guard', 'interceptor', 'pipe'] : []);
        }
        expect(await client.ask('x', 'failing')).toBe('utf8 failing piped:forbidden filtered:forbidden');
        expect(await client.ask('x', 'forbidden')).toBe('error FORBIDDEN: Forbidden resource');
      },
    );
  },
);

describe.each([Scope.DEFAULT, Scope.TRANSIENT, Scope.REQUEST])('a pipe of a parameter, with the scope %i', (scope) => {
  it.each(RULES)('runs with its dependency: %o', async (Dependency) => {
    const { Pipe } = makeEnhancers(scope, Dependency);
    @WebwireGateway()
    class Gateway {
      @WebwireRequest('x') x(@MessageBody(Pipe) body: string) {
        return body;
      }
    }
    const client = await start({ providers: [Gateway, ...RULES] });
    expect(await client.ask('x', 'a')).toBe('utf8 a piped:forbidden');
  });
});

it.each([Scope.TRANSIENT, Scope.REQUEST])(
  'a global guard may come from a factory, with the scope %i',
  async (scope) => {
    const useFactory = (rules: Rules): CanActivate => ({
      canActivate: (context) => context.switchToWs().getData() !== rules.forbidden,
    });
    const providers = [
      ...RULES,
      ...RULES.map((rules) => ({ provide: APP_GUARD, scope, useFactory, inject: [rules] })),
      makeGateway(KINDS[0]!),
    ];
    const client = await start({ providers });
    expect(await client.ask('x', 'a')).toBe('utf8 a');
    expect(await client.ask('x', 'forbidden')).toBe('error FORBIDDEN: Forbidden resource');
  },
);

it('a guard that depends on a durable provider is made once for each tenant', async () => {
  const ids = new Map<string, ContextId>();
  ContextIdFactory.apply({
    attach(contextId: ContextId, connection: WebwireConnection) {
      const tenant = connection.request.url.slice(2);
      const parent = ids.get(tenant) ?? ContextIdFactory.create();
      ids.set(tenant, parent);
      return {
        resolve: (info: HostComponentInfo) => (info.isTreeDurable ? parent : contextId),
        payload: { tenant },
      };
    },
  } as never);
  let made = 0;
  @Injectable({ scope: Scope.REQUEST, durable: true })
  class Tenant {
    constructor(@Inject(REQUEST) readonly request: { tenant: string }) {}
  }
  @Injectable()
  class OfTenant implements CanActivate {
    readonly number = ++made;
    constructor(@Inject(Tenant) private readonly tenant: Tenant) {}
    canActivate(context: ExecutionContext) {
      const message = context.getArgByIndex<Message & { guard?: string }>(2);
      message.guard = `${this.tenant.request.tenant} ${this.number}`;
      return true;
    }
  }
  @UseGuards(OfTenant)
  @WebwireGateway()
  class Gateway {
    @WebwireRequest('x') x(@WebwireMessage() { guard }: Message & { guard?: string }) {
      return guard;
    }
  }
  try {
    await start({ providers: [Gateway, Tenant] });
    const [a, b] = [await app!.connect('/?a'), await app!.connect('/?b')];
    const [first, second] = [await a.ask('x'), await b.ask('x')];
    expect(first).toMatch(/^utf8 a \d+$/);
    expect(second).toMatch(/^utf8 b \d+$/);
    const atFirst = made;
    expect([await a.ask('x'), await b.ask('x')]).toEqual([first, second]);
    expect(made).toBe(atFirst);
  } finally {
    ContextIdFactory.apply(undefined as never);
  }
});

it.each([LOCAL[0]!, GLOBAL[0]!])('each gateway gets transient enhancers of its own: of %s', async (_place, apply) => {
  @Injectable({ scope: Scope.TRANSIENT })
  class Guard implements CanActivate {
    readonly owners = new Set<object>();
    canActivate(context: ExecutionContext) {
      return this.owners.add(context.getClass()).size === 1;
    }
  }
  @WebwireGateway()
  class First {
    @WebwireRequest('first') first() {
      return 'first';
    }
  }
  @WebwireGateway()
  class Second {
    @WebwireRequest('second') second() {
      return 'second';
    }
  }
  const enhancers = { ...makeEnhancers(Scope.TRANSIENT, StaticRules), Guard };
  const isGlobal = apply === GLOBAL[0]![1];
  const providers = isGlobal
    ? [First, ...apply(enhancers, Second)]
    : [First, Second].flatMap((Gateway) => apply(enhancers, Gateway));
  const client = await start({ providers: [...providers, ...RULES] });
  expect(await client.ask('first')).toBe('utf8 first intercepted:forbidden');
  expect(await client.ask('second')).toBe('utf8 second intercepted:forbidden');
});
