import {
  ArgumentsHost,
  BadRequestException,
  Catch,
  HttpException,
  Injectable,
  NotFoundException,
  Scope,
  UseFilters,
  type ExceptionFilter,
  type ModuleMetadata,
  type Type,
} from '@nestjs/common';
import { APP_FILTER, BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core';
import { BaseWsExceptionFilter, WsException } from '@nestjs/websockets';
import { RequestError, WebwireConnection, WebwireGateway, WebwireRequest, WebwireSignal } from 'nestjs-webwire';
import { of, throwError } from 'rxjs';
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

class Failing {
  @WebwireRequest('own') own() {
    throw new RequestError('NO_CAT', 'there is none');
  }
  @WebwireRequest('http') http() {
    throw new NotFoundException('there is none');
  }
  @WebwireRequest('ws') ws() {
    throw new WsException({ code: 'NO_DOG', message: 'there is none' });
  }
  @WebwireRequest('bug') bug() {
    throw new Error('the real cause');
  }
  @WebwireRequest('thrown text') text() {
    // oxlint-disable-next-line typescript/only-throw-error, no-throw-literal
    throw 'the real cause';
  }
  @WebwireSignal('bug') signal() {
    throw new Error('the real cause of the signal');
  }
}

@WebwireGateway()
class PlainGateway extends Failing {}

/** The filter of Nest's documentation for HTTP. */
@Catch()
class CatchEverything implements ExceptionFilter {
  constructor(private readonly host: HttpAdapterHost) {}
  catch(exception: unknown, host: ArgumentsHost): void {
    const { httpAdapter } = this.host;
    const context = host.switchToHttp();
    const status = exception instanceof HttpException ? exception.getStatus() : 500;
    httpAdapter.reply(
      context.getResponse(),
      { path: httpAdapter.getRequestUrl(context.getRequest()) as string },
      status,
    );
  }
}
/** The filter of Nest's documentation for Express. */
@Catch()
class ExpressFilter implements ExceptionFilter {
  catch(exception: HttpException, host: ArgumentsHost) {
    const response = host.switchToHttp().getResponse<{ status(code: number): { json(body: object): void } }>();
    response.status(exception.getStatus()).json({});
  }
}
@Catch()
class HttpBaseFilter extends BaseExceptionFilter {}
@Catch()
class AsyncFilter implements ExceptionFilter {
  async catch() {
    await Promise.resolve();
    throw new TypeError('the filter broke');
  }
}
@Catch()
class ObservableFilter implements ExceptionFilter {
  catch() {
    return throwError(() => new TypeError('the filter broke'));
  }
}
@Catch()
class ReturningFilter implements ExceptionFilter {
  catch() {
    return new TypeError('the filter broke');
  }
}
@Catch()
class TextFilter implements ExceptionFilter {
  catch() {
    // oxlint-disable-next-line typescript/only-throw-error, no-throw-literal
    throw 'the filter broke';
  }
}
@Catch()
@Injectable({ scope: Scope.REQUEST })
class ScopedFilter implements ExceptionFilter {
  catch() {
    throw new TypeError('the filter broke');
  }
}

describe.each<[string, Type<ExceptionFilter>]>([
  ['the catch-all filter for HTTP', CatchEverything],
  ['a filter for Express', ExpressFilter],
  ['the base filter for HTTP', HttpBaseFilter],
  ['an asynchronous filter', AsyncFilter],
  ['a filter with a failing Observable', ObservableFilter],
  ['a filter that returns an error', ReturningFilter],
  ['a filter that throws text', TextFilter],
  ['a request-scoped filter', ScopedFilter],
])('%s that fails', (_what, filter) => {
  const metadata = { providers: [PlainGateway, { provide: APP_FILTER, useClass: filter }] };

  it('leaves intended failures as they are', async () => {
    const client = await start(metadata);
    expect(await client.ask('own')).toBe('error NO_CAT: there is none');
    expect(await client.ask('http')).toBe('error NOT_FOUND: there is none');
    expect(await client.ask('ws')).toBe('error NO_DOG: there is none');
    expect(await app!.logger.logged('error', 'An exception filter of PlainGateway.own failed')).toContain(
      '"RequestError: there is none"',
    );
  });

  it.each(['bug', 'thrown text'])('does not hide an unexpected failure: %s', async (name) => {
    const client = await start(metadata);
    expect(await client.ask(name)).toBe('internal error');
    expect(await app!.logger.logged('error', `Request "${name}" failed`)).toContain('the real cause');
    expect(app!.logger.at('error').join('\n')).toContain('An exception filter of PlainGateway.');
  });

  it('does not hide the failure of a signal', async () => {
    const client = await start(metadata);
    client.signal('bug', 'x');
    expect(await app!.logger.logged('error', 'Signal "bug" failed')).toContain('the real cause of the signal');
    await app!.logger.logged('error', 'An exception filter of PlainGateway.signal failed');
  });
});

describe('a filter that throws an exception for the client', () => {
  it.each<[string, () => unknown, string]>([
    ['RequestError', () => new RequestError('MAPPED', 'to this'), 'error MAPPED: to this'],
    ['WsException', () => new WsException('to this'), 'error ERROR: to this'],
    ['HttpException', () => new BadRequestException('to this'), 'error BAD_REQUEST: to this'],
  ])('maps the failure to it: %s', async (_what, make, answer) => {
    @Catch()
    class Mapping implements ExceptionFilter {
      catch(_exception: unknown, host: ArgumentsHost): unknown {
        if (host.switchToWs().getPattern() === 'bug') throw make();
        if (host.switchToWs().getPattern() === 'http') return throwError(make);
        return Promise.reject(make());
      }
    }
    @UseFilters(Mapping)
    @WebwireGateway()
    class Gateway extends Failing {}
    const client = await start({ providers: [Gateway] });
    for (const name of ['bug', 'http', 'own']) expect(await client.ask(name)).toBe(answer);
    expect(app!.logger.at('error')).toEqual([]);
  });

  it('may throw the one that it was given', async () => {
    @Catch()
    class Rethrowing implements ExceptionFilter {
      catch(exception: unknown) {
        throw exception;
      }
    }
    @UseFilters(Rethrowing)
    @WebwireGateway()
    class Gateway extends Failing {}
    const client = await start({ providers: [Gateway] });
    expect(await client.ask('own')).toBe('error NO_CAT: there is none');
    expect(await client.ask('bug')).toBe('internal error');
    await app!.logger.logged('error', 'the real cause');
    expect(app!.logger.at('error')).toHaveLength(1);
  });
});

describe("a filter that extends Nest's filter for WebSockets", () => {
  async function startWith(map: (filter: { give(exception: unknown): void }, exception: unknown) => unknown) {
    @Catch()
    class Filter extends BaseWsExceptionFilter {
      readonly #map = map;
      override catch(exception: unknown, host: ArgumentsHost): void {
        // oxlint-disable-next-line promise/valid-params -- it is a filter, not a promise
        const give = (other: unknown) => super.catch(other, host);
        return this.#map({ give }, exception) as void;
      }
    }
    @UseFilters(new Filter())
    @WebwireGateway()
    class Gateway extends Failing {}
    return start({ providers: [Gateway] });
  }

  it.each<[string, unknown, string]>([
    ['text', new WsException('later'), 'error ERROR: later'],
    ['an object', new WsException({ code: 'TRY_LATER', message: 'please' }), 'error TRY_LATER: please'],
    ['a list', new WsException(['a', 'b']), 'error ERROR: a; b'],
    ['an error', new WsException(new Error('secret')), 'error ERROR: error'],
    ['nothing', new WsException(undefined as never), 'error ERROR: error'],
  ])('maps a failure to a WsException of %s', async (_what, exception, answer) => {
    const client = await startWith((filter) => filter.give(exception));
    expect(await client.ask('bug')).toBe(answer);
    expect(await client.ask('own')).toBe(answer);
  });

  it('may do so later', async () => {
    const client = await startWith(async (filter) => {
      await Promise.resolve();
      filter.give(new WsException({ code: 'TRY_LATER', message: 'please' }));
    });
    expect(await client.ask('bug')).toBe('error TRY_LATER: please');
  });

  it('leaves failures that it only passes on', async () => {
    const client = await startWith((filter, exception) => filter.give(exception));
    expect(await client.ask('own')).toBe('error NO_CAT: there is none');
    expect(await client.ask('http')).toBe('error NOT_FOUND: there is none');
    expect(await client.ask('ws')).toBe('error NO_DOG: there is none');
    expect(await client.ask('bug')).toBe('internal error');
    await app!.logger.logged('error', 'Request "bug" failed');
  });

  it('answers with the value that it returns', async () => {
    const client = await startWith((filter, exception) => {
      filter.give(exception);
      return of('a value');
    });
    expect(await client.ask('ws')).toBe('utf8 a value');
  });

  it('gets the connection, with its methods and properties', async () => {
    @Catch()
    class Signaling extends BaseWsExceptionFilter {
      override catch(_exception: unknown, host: ArgumentsHost): void {
        const client = host.switchToWs().getClient<WebwireConnection>();
        client.signal('failed', `${client instanceof WebwireConnection} ${client.isActive}`);
      }
    }
    @UseFilters(Signaling)
    @WebwireGateway()
    class Gateway extends Failing {}
    const client = await start({ providers: [Gateway] });
    expect(await client.ask('own')).toBe('signal failed utf8 true true');
  });
});

it('a RequestError looks like an intended failure to those that go by the methods of exceptions', () => {
  const error = new RequestError('NO_CAT', 'there is none');
  expect([typeof error.getError, typeof error.initMessage, 'error' in error]).toEqual(['function', 'function', true]);
  expect(error.getError()).toEqual(new WsException({ code: 'NO_CAT', message: 'there is none' }).getError());
  expect(Object.keys(error)).toEqual(['code', 'name']);
});
