import {
  Catch,
  Controller,
  Get,
  Injectable,
  Scope,
  UnauthorizedException,
  UseGuards,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
  type PipeTransform,
  type Provider,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  jsonCodec,
  RequestError,
  WebwireGateway,
  WebwireRequest,
  WebwireSignal,
  WebwireStream,
  type WebwireModuleOptions,
} from 'nestjs-webwire';
import { lastValueFrom, map, Observable, of, throwError } from 'rxjs';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { TestApp } from '../../support/test-app.js';

/** The enhancers that have run, in order. */
const ran: string[] = [];

@Injectable()
class Guard implements CanActivate {
  canActivate() {
    ran.push('guard');
    return true;
  }
}
@Injectable()
class Pipe implements PipeTransform {
  transform(value: unknown) {
    ran.push('pipe');
    return value;
  }
}
@Injectable()
class Interceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    ran.push('interceptor');
    return next.handle();
  }
}
@Catch()
class Filter implements ExceptionFilter {
  catch(error: unknown) {
    ran.push('filter');
    throw error;
  }
}
@Injectable()
class OwnGuard implements CanActivate {
  canActivate() {
    ran.push('own guard');
    return true;
  }
}

class Handlers {
  @WebwireRequest('fail') fail(@MessageBody() _body: string) {
    throw new RequestError('FAILED', 'on purpose');
  }
  @UseGuards(OwnGuard) @WebwireRequest('guarded') guarded(@MessageBody() body: string) {
    return body;
  }
  @WebwireStream('items') async *items(@MessageBody() body: string) {
    yield body;
  }
}

@WebwireGateway()
class Gateway extends Handlers {}

@Injectable({ scope: Scope.REQUEST })
class PerMessage {}

@WebwireGateway({ path: '/scoped' })
class Scoped extends Handlers {
  constructor(readonly _dependency: PerMessage) {
    super();
  }
}

@WebSocketGateway({ path: '/plain' })
class Plain {
  @SubscribeMessage('fail') fail(@MessageBody() _body: string) {
    throw new RequestError('FAILED', 'on purpose');
  }
}

@Controller()
class Routes {
  @Get() get() {
    throw new UnauthorizedException();
  }
}

const GLOBAL = (app: INestApplication) =>
  app
    .useGlobalGuards(new Guard())
    .useGlobalPipes(new Pipe())
    .useGlobalInterceptors(new Interceptor())
    .useGlobalFilters(new Filter());

/** The same enhancers as providers with this scope. */
function provided(scope?: Scope): Provider[] {
  return [
    { provide: APP_GUARD, useClass: Guard, scope },
    { provide: APP_PIPE, useClass: Pipe, scope },
    { provide: APP_INTERCEPTOR, useClass: Interceptor, scope },
    { provide: APP_FILTER, useClass: Filter, scope },
  ];
}

async function start(
  options: WebwireModuleOptions,
  providers: Provider[] = [],
  configure?: (app: INestApplication) => unknown,
) {
  const all = [Gateway, Scoped, Plain, PerMessage, ...providers];
  const app = await TestApp.start({ controllers: [Routes], providers: all }, options, (nest) => void configure?.(nest));
  onTestFinished(() => app.close());
  return app;
}

/** The enhancers that run for a request of HTTP. The filter throws, so that Nest calls it again. */
async function ranForHttp(app: TestApp): Promise<string[]> {
  ran.length = 0;
  await fetch(app.url().replace('ws', 'http'));
  return [...new Set(ran)];
}

beforeEach(() => {
  ran.length = 0;
});

describe('globalEnhancers: false', () => {
  it.each<[string, Provider[], ((app: INestApplication) => unknown)?]>([
    ['useGlobal…()', [], GLOBAL],
    ['APP_…', provided()],
    ['APP_… for each request', provided(Scope.REQUEST)],
    ['APP_… for each class', provided(Scope.TRANSIENT)],
  ])('keeps the enhancers of %s from messages, but not from HTTP', async (how, providers, configure) => {
    const app = await start({ globalEnhancers: false }, providers, configure);
    for (const path of ['/', '/scoped', '/plain']) {
      const client = await app.connect(path);
      expect(await client.ask('fail', 'x')).toBe('error FAILED: on purpose');
    }
    const client = await app.connect('/scoped');
    expect(await client.ask('items', 'x')).toMatch(/^error EXTENSION_REQUIRED/);
    expect(ran).toEqual([]);
    const others = await ranForHttp(app);
    expect(others).toEqual(await ranForHttp(await start({}, providers, configure)));
    const all = ['guard', 'interceptor', 'filter'];
    // Before 12.1, Nest runs none that are made for each class.
    expect(how.endsWith('for each class') ? [all, []] : [all]).toContainEqual(others);
  });

  it('keeps the enhancers of gateways and handlers', async () => {
    const app = await start({ globalEnhancers: false }, [], GLOBAL);
    for (const path of ['/', '/scoped']) {
      ran.length = 0;
      const client = await app.connect(path);
      expect(await client.ask('guarded', 'x')).toBe('utf8 x');
      expect(ran).toEqual(['own guard']);
    }
  });

  it('keeps global enhancers from streams', async () => {
    const app = await start({ globalEnhancers: false }, [], GLOBAL);
    const client = await app.connect();
    await client.ask('wwr:extensions', '{"extensions":["stream"]}');
    expect(await client.ask('items', 'x')).toMatch(/^signal wwr:item:\w+ utf8 x$/);
    expect(await client.next()).toBeDefined();
    expect(ran).toEqual([]);
  });

  it('can be set in the configuration of one gateway, by its name', async () => {
    const app = await start({ gateways: { Gateway: { globalEnhancers: false } } }, [], GLOBAL);
    await (await app.connect('/')).ask('fail', 'x');
    expect(ran).toEqual([]);
    await (await app.connect('/scoped')).ask('fail', 'x');
    expect(ran).toEqual(['guard', 'interceptor', 'pipe', 'filter']);
  });

  it('can be switched on again for one gateway', async () => {
    const gateways = { Scoped: { globalEnhancers: true }, Plain: { globalEnhancers: true } };
    const app = await start({ globalEnhancers: false, gateways }, provided());
    await (await app.connect('/')).ask('fail', 'x');
    expect(ran).toEqual([]);
    for (const path of ['/scoped', '/plain']) {
      ran.length = 0;
      await (await app.connect(path)).ask('fail', 'x');
      expect(ran).toEqual(['guard', 'interceptor', 'pipe', 'filter']);
    }
  });

  it('may be set for one of the gateways that share a server', async () => {
    @WebwireGateway({ path: '/shared', globalEnhancers: false })
    class Without {
      @WebwireRequest('without') handle(@MessageBody() body: string) {
        return body;
      }
    }
    @WebwireGateway({ path: '/shared' })
    class With {
      @WebwireRequest('with') handle(@MessageBody() body: string) {
        return body;
      }
    }
    const app = await start({}, [Without, With], GLOBAL);
    const client = await app.connect('/shared');
    expect(await client.ask('without', 'x')).toBe('utf8 x');
    expect(ran).toEqual([]);
    expect(await client.ask('with', 'x')).toBe('utf8 x');
    expect(ran).toEqual(['guard', 'interceptor', 'pipe']);
  });
});

interface HttpRequest {
  cookies: { session: string };
}

/** Reads a property that only requests of HTTP have. */
function readCookie(context: ArgumentsHost): string {
  return context.switchToHttp().getRequest<HttpRequest>().cookies.session;
}

@Injectable()
class CookieGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    return readCookie(context) === 'valid';
  }
}
@Injectable()
class AsyncCookieGuard implements CanActivate {
  async canActivate(context: ExecutionContext) {
    const { cookies } = await Promise.resolve(context.switchToHttp().getRequest<HttpRequest>());
    return cookies.session === 'valid';
  }
}
@Injectable()
class ObservableCookieGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    const request = context.switchToHttp().getRequest<HttpRequest>();
    return throwError(() => new TypeError(`no cookies in ${typeof request.cookies}`)) as Observable<boolean>;
  }
}
@Injectable()
class HeaderInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    context.switchToHttp().getResponse<{ setHeader(name: string, value: string): void }>().setHeader('X-A', 'b');
    return next.handle();
  }
}
@Injectable()
class AsyncHeaderInterceptor implements NestInterceptor {
  async intercept(context: ExecutionContext, next: CallHandler) {
    const response = await Promise.resolve(context.switchToHttp().getResponse<{ setHeader(name: string): void }>());
    response.setHeader('X-A');
    return next.handle();
  }
}
@Catch()
class JsonFilter implements ExceptionFilter {
  catch(_error: unknown, host: ArgumentsHost) {
    host.switchToHttp().getResponse<{ status(code: number): void }>().status(500);
  }
}
@Catch()
class HttpFilter extends BaseExceptionFilter {}

const ADVICE = 'It asks for the request or the response of HTTP, but this is a message. Let the';
const OPTION = 'set the WebWire option globalEnhancers to false, which leaves all global enhancers to HTTP';

describe('a global enhancer that is written for HTTP', () => {
  it.each<[string, object]>([
    ['guard', new CookieGuard()],
    ['guard', new AsyncCookieGuard()],
    ['guard', new ObservableCookieGuard()],
    ['interceptor', new HeaderInterceptor()],
    ['interceptor', new AsyncHeaderInterceptor()],
  ])('is named once for each handler when it fails on messages: a %s (%o)', async (kind, enhancer) => {
    const app = await start({}, [], (nest) =>
      kind === 'guard'
        ? nest.useGlobalGuards(new Guard(), enhancer as CanActivate)
        : nest.useGlobalInterceptors(new Interceptor(), enhancer as NestInterceptor),
    );
    for (const [path, gateway] of [
      ['/', 'Gateway'],
      ['/scoped', 'Scoped'],
      ['/plain', 'Plain'],
    ]) {
      const client = await app.connect(path);
      for (let n = 0; n < 3; n++) expect(await client.ask('fail', 'x')).toBe('internal error');
      const lines = app.logger.at('error').filter((line) => line.includes(` on ${gateway}.fail: `));
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain(`The ${kind} ${enhancer.constructor.name} failed on ${gateway}.fail: "TypeError: `);
      expect(lines[0]).toContain(`${ADVICE} ${kind} check context.getType() first`);
      expect(lines[0]).toContain(OPTION);
      expect(lines[0]!.includes('global guards then guard no messages')).toBe(kind === 'guard');
    }
  });

  it.each<[string, Provider[]]>([
    ['provided by APP_GUARD', [{ provide: APP_GUARD, useClass: CookieGuard }]],
    ['made for each request', [{ provide: APP_GUARD, useClass: CookieGuard, scope: Scope.REQUEST }]],
    ['made for each class', [{ provide: APP_GUARD, useClass: CookieGuard, scope: Scope.TRANSIENT }]],
  ])('is named if it is %s', async (_how, providers) => {
    const app = await start({}, providers);
    const client = await app.connect();
    expect(await client.ask('fail', 'x')).toBe('internal error');
    expect(await app.logger.logged('error', 'The guard CookieGuard failed on Gateway.fail: ')).toContain(OPTION);
  });

  it('is named if a signal is the message', async () => {
    @WebwireGateway({ path: '/signals' })
    class Signals {
      @WebwireSignal('note') note() {}
    }
    const app = await start({}, [Signals], (nest) => nest.useGlobalGuards(new CookieGuard()));
    (await app.connect('/signals')).signal('note', 'x');
    expect(await app.logger.logged('error', 'The guard CookieGuard failed on Signals.note: ')).toContain(OPTION);
  });

  it.each<[string, (nest: INestApplication) => ExceptionFilter]>([
    ['JsonFilter', () => new JsonFilter()],
    ['HttpFilter', (nest) => new HttpFilter(nest.get(HttpAdapterHost).httpAdapter)],
  ])('is named if it is a filter, and the client gets the failure that it was given: %s', async (name, make) => {
    const app = await start({}, [], (nest) => nest.useGlobalFilters(make(nest)));
    for (const [path, gateway] of [
      ['/', 'Gateway'],
      ['/scoped', 'Scoped'],
      ['/plain', 'Plain'],
    ]) {
      expect(await (await app.connect(path)).ask('fail', 'x')).toBe('error FAILED: on purpose');
      const line = await app.logger.logged(
        'error',
        `An exception filter of ${gateway}.fail failed: ${name}. ${ADVICE}`,
      );
      expect(line).toContain(OPTION);
      expect(line).toContain('The failure that it was given counts as if there were no filter');
    }
  });

  it('gets no response, so that it cannot change the body', async () => {
    class LocalsInterceptor implements NestInterceptor {
      intercept(context: ExecutionContext, next: CallHandler) {
        const response = context.switchToHttp().getResponse<{ user?: string } | undefined>();
        if (response) response.user = 'Eve';
        return next.handle();
      }
    }
    const app = await start({ codec: jsonCodec }, [], (nest) => nest.useGlobalInterceptors(new LocalsInterceptor()));
    for (const path of ['/', '/scoped']) {
      const client = await app.connect(path);
      expect(await client.ask('guarded', '{"user":"Ada"}')).toBe('utf8 {"user":"Ada"}');
      expect(await client.ask('guarded', '"text"')).toBe('utf8 "text"');
    }
  });

  it('gets no advice for an exception that is meant for the client', async () => {
    class HeaderGuard implements CanActivate {
      canActivate(context: ExecutionContext): boolean {
        // A connection has the headers of its upgrade.
        const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
        if (headers.authorization === undefined) throw new UnauthorizedException();
        return true;
      }
    }
    const app = await start({}, [], (nest) => nest.useGlobalGuards(new HeaderGuard()));
    expect(await (await app.connect()).ask('guarded', 'x')).toBe('error UNAUTHORIZED: Unauthorized');
    expect(app.logger.at('error')).toEqual([]);
  });

  it('gets no advice for a failure that has nothing to do with HTTP', async () => {
    class DatabaseGuard implements CanActivate {
      async canActivate(): Promise<boolean> {
        throw new Error('no database');
      }
    }
    class ReadingGuard implements CanActivate {
      canActivate(context: ExecutionContext) {
        return context.switchToHttp().getRequest<object>() !== undefined;
      }
    }
    const app = await start({}, [], (nest) => nest.useGlobalGuards(new ReadingGuard(), new DatabaseGuard()));
    for (const path of ['/', '/scoped'])
      expect(await (await app.connect(path)).ask('guarded', 'x')).toBe('internal error');
    expect(app.logger.at('error').filter((line) => line.includes('globalEnhancers'))).toEqual([]);
  });

  it('gets no advice for a failure of what an interceptor calls', async () => {
    class TryingInterceptor implements NestInterceptor {
      async intercept(context: ExecutionContext, next: CallHandler) {
        try {
          readCookie(context);
        } catch {
          // It may run for messages, too.
        }
        return of(await lastValueFrom(next.handle()));
      }
    }
    /** Its operator fails, and not the call of the interceptor. */
    class LateInterceptor implements NestInterceptor {
      intercept(context: ExecutionContext, next: CallHandler) {
        return next.handle().pipe(map(() => readCookie(context)));
      }
    }
    class BrokenPipe implements PipeTransform {
      transform() {
        throw new Error('no database');
      }
    }
    const apps = [
      await start({}, [], (nest) =>
        nest.useGlobalPipes(new BrokenPipe()).useGlobalInterceptors(new TryingInterceptor()),
      ),
      await start({}, [], (nest) => nest.useGlobalInterceptors(new TryingInterceptor(), new LateInterceptor())),
    ];
    for (const app of apps) {
      for (const path of ['/', '/scoped'])
        expect(await (await app.connect(path)).ask('guarded', 'x')).toBe('internal error');
      expect(app.logger.at('error').filter((line) => line.includes('globalEnhancers'))).toEqual([]);
    }
  });

  it('cannot write a line of its own into the log', async () => {
    class QuotingGuard implements CanActivate {
      canActivate(context: ExecutionContext): boolean {
        context.switchToHttp();
        throw new Error(`bad body ${context.switchToWs().getData<string>()}`);
      }
    }
    const app = await start({}, [], (nest) => nest.useGlobalGuards(new QuotingGuard()));
    await (await app.connect()).ask('guarded', 'a\nforged line');
    expect(await app.logger.logged('error', 'The guard QuotingGuard')).toContain('"Error: bad body a\\nforged line"');
  });

  it('runs without a failure if it checks the type of the context', async () => {
    class CheckingGuard implements CanActivate {
      canActivate(context: ExecutionContext) {
        return context.getType() !== 'http' || readCookie(context) === 'valid';
      }
    }
    const app = await start({}, [], (nest) => nest.useGlobalGuards(new CheckingGuard()));
    expect(await (await app.connect()).ask('guarded', 'x')).toBe('utf8 x');
    expect(app.logger.at('error')).toEqual([]);
  });
});
