import {
  Catch,
  createParamDecorator,
  ForbiddenException,
  Inject,
  Injectable,
  NotFoundException,
  ParseIntPipe,
  Scope,
  StandardSchemaValidationPipe,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type INestApplication,
  type ModuleMetadata,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import {
  APP_FILTER,
  APP_GUARD,
  APP_INTERCEPTOR,
  APP_PIPE,
  ContextIdFactory,
  ExternalContextCreator,
  REQUEST,
  Reflector,
  type ContextId,
  type ContextIdStrategy,
  type HostComponentInfo,
} from '@nestjs/core';
import {
  BaseWsExceptionFilter,
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
} from '@nestjs/websockets';
import { IsInt, Min } from 'class-validator';
import {
  jsonCodec,
  RequestError,
  WebwireConnection,
  WebwireGateway,
  WebwireRequest,
  WebwireSignal,
  type Message,
  type WebwireServer,
} from 'nestjs-webwire';
import { WebSocketServer } from '@nestjs/websockets';
import { AsyncLocalStorage } from 'node:async_hooks';
import { catchError, EMPTY, map, mergeMap, of, retry, throwError, timer } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { isNestSince, WITHOUT_STANDARD_SCHEMA } from '../../support/nest-version.js';
import { TestApp } from '../../support/test-app.js';
import { describe as show } from '../../support/wire-client.js';

let app: TestApp | undefined;

async function start(metadata: ModuleMetadata, configure?: (nest: INestApplication) => void) {
  app = await TestApp.start(metadata, {}, configure);
  return app.connect();
}

afterEach(async () => {
  await app?.close();
  app = undefined;
});

@Injectable()
class NamedGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    return context.switchToWs().getPattern() !== 'forbidden';
  }
}

@Injectable()
class Shout implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(map((value: string) => `${value}!`));
  }
}

@Injectable()
class Trim implements PipeTransform {
  transform(value: unknown) {
    return typeof value === 'string' ? value.trim() : value;
  }
}

@Catch(RangeError)
class AnswerRangeErrors implements ExceptionFilter {
  catch(error: RangeError, host: ArgumentsHost) {
    return `filtered ${error.message} of ${host.switchToWs().getPattern()} from ${host.getType()}`;
  }
}

class Handlers {
  @WebwireRequest('echo') echo(@MessageBody() body: string) {
    return body;
  }
  @WebwireRequest('undecorated') undecorated(_connection: WebwireConnection, body: string) {
    return body;
  }
  @WebwireRequest('forbidden') forbidden() {
    return 'must not be reached';
  }
  @WebwireRequest('range') range() {
    throw new RangeError('out of range');
  }
  @WebwireRequest('other') other() {
    throw new TypeError('other');
  }
}

@UseFilters(AnswerRangeErrors)
@UseGuards(NamedGuard)
@UsePipes(Trim)
@UseInterceptors(Shout)
@WebwireGateway()
class DecoratedGateway extends Handlers {}

class HandlerDecorations {
  @UsePipes(Trim) @UseInterceptors(Shout) @WebwireRequest('echo') echo(@MessageBody() body: string) {
    return body;
  }
  @UsePipes(Trim) @UseInterceptors(Shout) @WebwireRequest('undecorated') undecorated(
    _c: WebwireConnection,
    body: string,
  ) {
    return body;
  }
  @UseGuards(NamedGuard) @WebwireRequest('forbidden') forbidden() {
    return 'must not be reached';
  }
  @UseFilters(AnswerRangeErrors) @WebwireRequest('range') range() {
    throw new RangeError('out of range');
  }
  @UseFilters(AnswerRangeErrors) @WebwireRequest('other') other() {
    throw new TypeError('other');
  }
}

@WebwireGateway()
class DecoratedHandlersGateway extends HandlerDecorations {}

@WebwireGateway()
class PlainGateway extends Handlers {}

@Injectable({ scope: Scope.REQUEST })
class ScopedNamedGuard extends NamedGuard {}
@Injectable({ scope: Scope.REQUEST })
class ScopedShout extends Shout {}
@Injectable({ scope: Scope.REQUEST })
class ScopedTrim extends Trim {}
@Catch(RangeError)
@Injectable({ scope: Scope.REQUEST })
class ScopedAnswerRangeErrors extends AnswerRangeErrors {}

type Level = [string, ModuleMetadata, ((nest: INestApplication) => void)?];

const LEVELS: Level[] = [
  ['of the gateway', { providers: [DecoratedGateway] }],
  ['of the handler', { providers: [DecoratedHandlersGateway] }],
  [
    'of the application (useGlobal…)',
    { providers: [PlainGateway] },
    (nest) =>
      void nest
        .useGlobalFilters(new AnswerRangeErrors())
        .useGlobalGuards(new NamedGuard())
        .useGlobalPipes(new Trim())
        .useGlobalInterceptors(new Shout()),
  ],
  [
    'of the application (APP_…)',
    {
      providers: [
        PlainGateway,
        { provide: APP_FILTER, useClass: AnswerRangeErrors },
        { provide: APP_GUARD, useClass: NamedGuard },
        { provide: APP_PIPE, useClass: Trim },
        { provide: APP_INTERCEPTOR, useClass: Shout },
      ],
    },
  ],
  [
    'of the application, request-scoped (APP_…)',
    {
      providers: [
        PlainGateway,
        { provide: APP_FILTER, useClass: ScopedAnswerRangeErrors, scope: Scope.REQUEST },
        { provide: APP_GUARD, useClass: ScopedNamedGuard, scope: Scope.REQUEST },
        { provide: APP_PIPE, useClass: ScopedTrim, scope: Scope.REQUEST },
        { provide: APP_INTERCEPTOR, useClass: ScopedShout, scope: Scope.REQUEST },
      ],
    },
  ],
];

/** Simulates a version of Nest that builds its pipelines without the replaced methods. */
function buildInAnotherWay(nest: INestApplication) {
  const creator = nest.get(ExternalContextCreator);
  creator.create = creator.create.bind(creator);
}

const LEVELS_IN_ANOTHER_WAY = LEVELS.map(([level, metadata, configure]): Level => [
  `${level}, where Nest builds pipelines in another way,`,
  metadata,
  (nest) => {
    buildInAnotherWay(nest);
    configure?.(nest);
  },
]);

describe.each([...LEVELS, ...LEVELS_IN_ANOTHER_WAY])('enhancers %s', (_level, metadata, configure) => {
  it('apply: pipe and interceptor', async () => {
    const client = await start(metadata, configure);
    expect(await client.ask('echo', ' hi ')).toBe('utf8 hi!');
  });

  it('apply to handlers without parameter decorators', async () => {
    const client = await start(metadata, configure);
    expect(await client.ask('undecorated', ' hi ')).toBe('utf8 hi!');
  });

  it('apply: guard', async () => {
    const client = await start(metadata, configure);
    expect(await client.ask('forbidden')).toBe('error FORBIDDEN: Forbidden resource');
  });

  it('apply: filter, for the exceptions that it catches', async () => {
    const client = await start(metadata, configure);
    expect(await client.ask('range')).toBe('utf8 filtered out of range of range from ws');
    expect(await client.ask('other')).toBe('internal error');
  });
});

describe('guards', () => {
  it('may be asynchronous, and read metadata and the connection', async () => {
    const Roles = Reflector.createDecorator<string>();
    @Injectable()
    class RolesGuard implements CanActivate {
      constructor(private readonly reflector: Reflector) {}
      async canActivate(context: ExecutionContext) {
        const { info } = context.switchToWs().getClient<WebwireConnection>();
        return Promise.resolve(this.reflector.get(Roles, context.getHandler()) === info.role);
      }
    }
    @UseGuards(RolesGuard)
    @WebwireGateway()
    class Gateway {
      handleConnection(connection: WebwireConnection) {
        connection.info.role = 'user';
      }
      @Roles('user') @WebwireRequest('user') user() {
        return 'ok';
      }
      @Roles('admin') @WebwireRequest('admin') admin() {
        return 'ok';
      }
    }
    const client = await start({ providers: [Gateway] });
    expect(await client.ask('user')).toBe('utf8 ok');
    expect(await client.ask('admin')).toBe('error FORBIDDEN: Forbidden resource');
  });

  it('keep signals away from handlers, without a line in the error log', async () => {
    const calls: string[] = [];
    @UseGuards(NamedGuard)
    @WebwireGateway()
    class Gateway {
      @WebwireSignal('forbidden') forbidden() {
        calls.push('reached');
      }
      @WebwireRequest('x') x() {
        return 'x';
      }
    }
    const client = await start({ providers: [Gateway] });
    client.signal('forbidden', 'x');
    expect(await client.ask('x')).toBe('utf8 x');
    await app!.logger.logged('debug', 'Signal "forbidden" was refused: "FORBIDDEN"');
    expect(calls).toEqual([]);
    expect(app!.logger.at('error')).toEqual([]);
  });
});

class Dto {
  @IsInt()
  @Min(1)
  count!: number;
}

describe('pipes', () => {
  it('validate DTOs by their class', async () => {
    @UsePipes(new ValidationPipe({ transform: true, whitelist: true }))
    @WebwireGateway({ codec: jsonCodec })
    class Gateway {
      @WebwireRequest('dto') dto(@MessageBody() dto: Dto) {
        return { isDto: dto instanceof Dto, dto };
      }
    }
    const client = await start({ providers: [Gateway] });
    expect(await client.ask('dto', '{"count":2,"more":true}')).toBe('utf8 {"isDto":true,"dto":{"count":2}}');
    expect(await client.ask('dto', '{"count":0}')).toBe('error BAD_REQUEST: count must not be less than 1');
    expect(await client.ask('dto', 'x')).toBe('error BAD_REQUEST: the body could not be decoded');
  });

  it('validate by standard schema, on Nest 12', async ({ skip }) => {
    skip(!isNestSince('12.0.0'), WITHOUT_STANDARD_SCHEMA);
    @UsePipes(new StandardSchemaValidationPipe())
    @WebwireGateway({ codec: jsonCodec })
    class Gateway {
      @WebwireRequest('schema') schema(@MessageBody({ schema: z.object({ count: z.coerce.number() }) }) body: unknown) {
        return body;
      }
    }
    const client = await start({ providers: [Gateway] });
    expect(await client.ask('schema', '{"count":"2"}')).toBe('utf8 {"count":2}');
    expect(await client.ask('schema', '{"count":"x"}')).toMatch(/^error BAD_REQUEST: /);
  });

  it('apply to the parameters of each of two gateways that have the same class name', async () => {
    const First = (() => {
      @WebwireGateway({ path: '/first' })
      class Gateway {
        @WebwireRequest('x') x(@MessageBody() body: unknown, @ConnectedSocket() connection: unknown) {
          return `${String(body)} ${connection instanceof WebwireConnection}`;
        }
      }
      return Gateway;
    })();
    const Second = (() => {
      @WebwireGateway({ path: '/second', name: 'Second' })
      class Gateway {
        @WebwireRequest('x') x(@ConnectedSocket() connection: unknown, @MessageBody() body: unknown) {
          return `${connection instanceof WebwireConnection} ${String(body)}`;
        }
      }
      return Gateway;
    })();
    app = await TestApp.start({ providers: [First, Second] }, {}, (nest) => nest.useGlobalPipes(new Trim()));
    expect(await (await app.connect('/first')).ask('x', ' 1 ')).toBe('utf8 1 true');
    expect(await (await app.connect('/second')).ask('x', ' 2 ')).toBe('utf8 true 2');
  });

  it('apply to single parameters, those of own decorators too', async () => {
    const Word = createParamDecorator((index: number, context: ExecutionContext) =>
      context.switchToWs().getData<string>().split(' ').at(index),
    );
    @WebwireGateway()
    class Gateway {
      @WebwireRequest('sum') sum(@Word(0, ParseIntPipe) a: number, @Word(1, ParseIntPipe) b: number) {
        return a + b;
      }
      @WebwireRequest('property', { codec: jsonCodec }) property(@MessageBody('n', ParseIntPipe) n: number) {
        return n + 1;
      }
    }
    const client = await start({ providers: [Gateway] });
    expect(await client.ask('sum', '1 2')).toBe('utf8 3');
    expect(await client.ask('sum', '1 x')).toBe('error BAD_REQUEST: Validation failed (numeric string is expected)');
    expect(await client.ask('property', '{"n":"4"}')).toBe('utf8 5');
  });
});

describe('interceptors', () => {
  it('may answer themselves, recover from failures, and swallow results', async () => {
    @Injectable()
    class Various implements NestInterceptor {
      intercept(context: ExecutionContext, next: CallHandler) {
        const name = context.switchToWs().getPattern();
        if (name === 'cached') return of('from the cache');
        if (name === 'empty') return EMPTY;
        if (name === 'failing') return throwError(() => new NotFoundException('gone'));
        return next.handle().pipe(catchError(() => of('recovered')));
      }
    }
    @UseInterceptors(Various)
    @WebwireGateway()
    class Gateway {
      @WebwireRequest({ fallback: true }) any() {
        throw new Error('failed');
      }
    }
    const client = await start({ providers: [Gateway] });
    expect(await client.ask('cached')).toBe('utf8 from the cache');
    expect(await client.ask('empty')).toBe('binary');
    expect(await client.ask('failing')).toBe('error NOT_FOUND: gone');
    expect(await client.ask('any')).toBe('utf8 recovered');
  });
});

describe('interceptors and handlers', () => {
  it('share an asynchronous context, whenever the handler is subscribed to', async () => {
    const storage = new AsyncLocalStorage<string>();
    @Injectable()
    class InContext implements NestInterceptor {
      intercept(context: ExecutionContext, next: CallHandler) {
        const handled = storage.run(context.switchToWs().getData<string>(), () => next.handle());
        return timer(1).pipe(mergeMap(() => handled));
      }
    }
    @WebwireGateway()
    class Gateway {
      @UseInterceptors(InContext)
      @WebwireRequest('context')
      async context() {
        return Promise.resolve(storage.getStore());
      }
    }
    const client = await start({ providers: [Gateway] });
    client.send('context', 'one');
    client.send('context', 'two');
    expect([show(await client.next()), show(await client.next())]).toEqual(['utf8 one', 'utf8 two']);
  });

  it('may call the handler again', async () => {
    let calls = 0;
    @Injectable()
    class Again implements NestInterceptor {
      intercept(_context: ExecutionContext, next: CallHandler) {
        return next.handle().pipe(retry(2));
      }
    }
    @WebwireGateway()
    class Gateway {
      @UseInterceptors(Again)
      @WebwireRequest('third time')
      third(@MessageBody() body: string) {
        if (++calls < 3) throw new Error('not yet');
        return `${body} ${calls}`;
      }
    }
    const client = await start({ providers: [Gateway] });
    expect(await client.ask('third time', 'call')).toBe('utf8 call 3');
  });

  it('that return no stream fail', async () => {
    @WebwireGateway()
    class Gateway {
      @UseInterceptors({ intercept: () => undefined as never })
      @WebwireRequest('none')
      none() {
        return 'not called';
      }
    }
    const client = await start({ providers: [Gateway] });
    expect(await client.ask('none')).toBe('internal error');
  });
});

describe('filters', () => {
  const failures = {
    silent: () => undefined,
    null: () => null,
    value: () => 'a value',
    promise: async () => Promise.resolve('a promise'),
    'silent promise': async () => Promise.resolve(undefined),
    observable: () => of('an observable'),
    'empty observable': () => EMPTY,
    throws: () => {
      throw new RequestError('FROM_FILTER', 'mapped');
    },
    rejects: async () => Promise.reject(new ForbiddenException('mapped')),
    'throwing observable': () => throwError(() => new WsException('mapped')),
    breaks: () => {
      throw new Error('the filter itself failed');
    },
  } as const;

  @Catch()
  class Various implements ExceptionFilter {
    catch(_error: unknown, host: ArgumentsHost): unknown {
      return failures[host.switchToWs().getPattern() as keyof typeof failures]();
    }
  }

  @UseFilters(Various)
  @WebwireGateway()
  class Gateway {
    @WebwireRequest({ fallback: true }) fail() {
      throw new RequestError('ORIGINAL', 'unchanged');
    }
  }

  it.each([
    ['silent', 'error ORIGINAL: unchanged'],
    ['null', 'error ORIGINAL: unchanged'],
    ['value', 'utf8 a value'],
    ['promise', 'utf8 a promise'],
    ['silent promise', 'error ORIGINAL: unchanged'],
    ['observable', 'utf8 an observable'],
    ['empty observable', 'error ORIGINAL: unchanged'],
    ['throws', 'error FROM_FILTER: mapped'],
    ['rejects', 'error FORBIDDEN: mapped'],
    ['throwing observable', 'error ERROR: mapped'],
    ['breaks', 'error ORIGINAL: unchanged'],
  ])('that are %s: %s', async (name, answer) => {
    const client = await start({ providers: [Gateway] });
    expect(await client.ask(name)).toBe(answer);
  });

  it('of Nest for WebSockets do not turn a failure into a reply, nor write to the connection', async () => {
    @Catch()
    class LegacyFilter extends BaseWsExceptionFilter {}
    @UseFilters(new LegacyFilter())
    @WebwireGateway()
    class LegacyGateway {
      @WebwireRequest('ws') ws() {
        throw new WsException('legacy');
      }
      @WebwireRequest('x') x() {
        return 'x';
      }
    }
    const client = await start({ providers: [LegacyGateway] });
    expect(await client.ask('ws')).toBe('error ERROR: legacy');
    expect(await client.ask('x')).toBe('utf8 x');
  });

  it('see failures of guards, pipes and of making a scoped instance', async () => {
    @Catch()
    class Tell implements ExceptionFilter {
      catch(error: Error) {
        return `seen ${error.message}`;
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class Broken {
      constructor() {
        throw new Error('construction');
      }
    }
    @UseFilters(Tell)
    @WebwireGateway()
    class Static {
      @UseGuards(NamedGuard) @WebwireRequest('forbidden') guarded() {}
      @WebwireRequest('pipe') piped(@MessageBody(ParseIntPipe) _n: number) {}
    }
    @UseFilters(Tell)
    @WebwireGateway()
    class Scoped {
      constructor(readonly broken: Broken) {}
      @WebwireRequest('scoped') scoped() {}
    }
    const client = await start({ providers: [Static, Scoped, Broken] });
    expect(await client.ask('forbidden')).toBe('utf8 seen Forbidden resource');
    expect(await client.ask('pipe', 'x')).toBe('utf8 seen Validation failed (numeric string is expected)');
    expect(await client.ask('scoped')).toBe('utf8 seen construction');
  });
});

describe('request-scoped providers', () => {
  it('live for one message, shared by all that serves it', async () => {
    let made = 0;
    @Injectable({ scope: Scope.REQUEST })
    class Context {
      readonly number = ++made;
      constructor(@Inject(REQUEST) readonly connection: WebwireConnection) {}
    }
    @Injectable()
    class Service {
      constructor(readonly context: Context) {}
    }
    @Injectable()
    class ContextGuard implements CanActivate {
      constructor(readonly context: Context) {}
      canActivate(execution: ExecutionContext) {
        execution.getArgByIndex<Message & { guard?: number }>(2).guard = this.context.number;
        return true;
      }
    }
    @UseGuards(ContextGuard)
    @WebwireGateway()
    class Gateway {
      @WebSocketServer() server!: WebwireServer;
      constructor(
        readonly context: Context,
        readonly service: Service,
      ) {}
      @WebwireRequest('x') x(connection: WebwireConnection) {
        const { number, connection: injected } = this.context;
        return [number, this.service.context.number, injected === connection, this.server.connections.size].join(' ');
      }
    }
    const client = await start({ providers: [Gateway, Service, Context] });
    expect(await client.ask('x')).toBe('utf8 1 1 true 1');
    expect(await client.ask('x')).toBe('utf8 2 2 true 1');
  });

  it('apply as global guards to plain gateways too', async () => {
    @WebSocketGateway()
    class Plain {
      @SubscribeMessage('forbidden') forbidden() {
        return 'must not be reached';
      }
      @SubscribeMessage('x') x() {
        return 'x';
      }
    }
    const client = await start({
      providers: [Plain, { provide: APP_GUARD, useClass: ScopedNamedGuard, scope: Scope.REQUEST }],
    });
    expect(await client.ask('forbidden')).toBe('error FORBIDDEN: Forbidden resource');
    expect(await client.ask('x')).toBe('utf8 x');
  });

  it('serve handleConnection and handleDisconnect', async () => {
    const seen: string[] = [];
    let left: () => void = () => undefined;
    const hasLeft = new Promise<void>((resolve) => {
      left = resolve;
    });
    @Injectable({ scope: Scope.REQUEST })
    class Context {
      constructor(@Inject(REQUEST) readonly connection: WebwireConnection) {}
    }
    @WebwireGateway()
    class Gateway {
      @WebSocketServer() server!: WebwireServer;
      constructor(readonly context: Context) {}
      handleConnection(connection: WebwireConnection) {
        seen.push(`connected ${this.context.connection === connection} ${this.server.connections.size}`);
      }
      handleDisconnect(connection: WebwireConnection) {
        seen.push(`disconnected ${this.context.connection === connection} ${this.server.connections.size}`);
        left();
      }
      @WebwireRequest('x') x() {
        return 'x';
      }
    }
    const client = await start({ providers: [Gateway, Context] });
    await client.ask('x');
    await client.close();
    await hasLeft;
    expect(seen).toEqual(['connected true 1', 'disconnected true 0']);
  });

  it('may be durable: one instance for each tenant', async () => {
    class ByTenant implements ContextIdStrategy<WebwireConnection> {
      readonly tenants = new Map<string, ContextId>();
      attach(contextId: ContextId, connection: WebwireConnection) {
        const tenant = new URL(connection.request.url, 'ws://x').searchParams.get('tenant') ?? '';
        const parent = this.tenants.get(tenant) ?? ContextIdFactory.create();
        this.tenants.set(tenant, parent);
        return {
          resolve: (info: HostComponentInfo) => (info.isTreeDurable ? parent : contextId),
          payload: { tenant },
        };
      }
    }
    let made = 0;
    @Injectable({ scope: Scope.REQUEST, durable: true })
    class Tenant {
      readonly number = ++made;
      constructor(@Inject(REQUEST) readonly request: { tenant: string }) {}
    }
    @WebwireGateway()
    class Gateway {
      constructor(readonly tenant: Tenant) {}
      @WebwireRequest('x') x() {
        return `${this.tenant.request.tenant} ${this.tenant.number}`;
      }
    }
    ContextIdFactory.apply(new ByTenant() as never);
    try {
      await start({ providers: [Gateway, Tenant] });
      const [a, b] = [await app!.connect('/?tenant=a'), await app!.connect('/?tenant=b')];
      expect(await a.ask('x')).toBe('utf8 a 1');
      expect(await b.ask('x')).toBe('utf8 b 2');
      expect(await a.ask('x')).toBe('utf8 a 1');
    } finally {
      ContextIdFactory.apply(undefined as never);
    }
  });
});
