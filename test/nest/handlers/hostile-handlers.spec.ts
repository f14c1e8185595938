import {
  Catch,
  ForbiddenException,
  HttpException,
  Injectable,
  Scope,
  UseFilters,
  UseGuards,
  UsePipes,
  type CanActivate,
  type ExceptionFilter,
  type INestApplication,
  type ModuleMetadata,
  type PipeTransform,
} from '@nestjs/common';
import { ContextIdFactory } from '@nestjs/core';
import { MessageBody, WsException } from '@nestjs/websockets';
import {
  Payload,
  RequestError,
  WebwireConnection,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireSignal,
  type Message,
} from 'nestjs-webwire';
import { interval, Observable, Subject } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deferred } from '../../support/deferred.js';
import { TestApp } from '../../support/test-app.js';

let app: TestApp | undefined;
const unhandled: unknown[] = [];
const remember = (error: unknown) => void unhandled.push(error);

async function start(metadata: ModuleMetadata, configure?: (nest: INestApplication) => void) {
  app = await TestApp.start(metadata, {}, configure);
  return app.connect();
}

beforeEach(() => {
  process.on('unhandledRejection', remember);
});
afterEach(async () => {
  await app?.close();
  app = undefined;
  process.off('unhandledRejection', remember);
  if (unhandled.length > 0) throw new AggregateError(unhandled.splice(0), 'rejections that nobody handled');
});

@Injectable()
class Deny implements CanActivate {
  canActivate() {
    return false;
  }
}

@Injectable()
class Upper implements PipeTransform {
  transform(value: unknown) {
    return typeof value === 'string' ? value.toUpperCase() : value;
  }
}

describe('an instance that shadows its methods', () => {
  class Shadowing {
    constructor() {
      for (const name of ['secret', 'piped'] as const) this[name] = this[name].bind(this) as never;
    }
    @UseGuards(Deny) @WebwireRequest('secret') secret() {
      return 'TOP SECRET';
    }
    @UsePipes(Upper) @WebwireRequest('piped') piped(@MessageBody() body: string) {
      return body;
    }
  }
  @WebwireGateway()
  class Static extends Shadowing {}
  @WebwireGateway()
  @Injectable({ scope: Scope.REQUEST })
  class Scoped extends Shadowing {}

  it.each([Static, Scoped])('does not lose their guards and pipes', async (gateway) => {
    const client = await start({ providers: [gateway] });
    expect(await client.ask('secret')).toBe('error FORBIDDEN: Forbidden resource');
    expect(await client.ask('piped', 'x')).toBe('utf8 X');
  });
});

describe('errors that cannot be described', () => {
  const undescribable = () =>
    Object.defineProperty(new Error('x'), 'stack', {
      get() {
        throw new Error('no stack for you');
      },
    });

  class Throwing {
    @WebwireRequest('throw') throw() {
      throw undescribable();
    }
    @WebwireRequest('reject') async reject() {
      return Promise.reject(undescribable());
    }
    @WebwireSignal('throw') signal() {
      throw undescribable();
    }
    @WebwireSignal('reject') async rejectedSignal() {
      return Promise.reject(undescribable());
    }
    @WebwireRequest('x') x() {
      return 'x';
    }
  }
  @WebwireGateway()
  class Direct extends Throwing {
    handleConnection() {
      throw undescribable();
    }
  }
  @UsePipes(Upper)
  @WebwireGateway()
  class Enhanced extends Throwing {}

  it.each([Direct, Enhanced])('are answered like any other', async (gateway) => {
    const client = await start({ providers: [gateway] });
    client.signal('throw', 'x');
    client.signal('reject', 'x');
    expect(await client.ask('throw')).toBe('internal error');
    expect(await client.ask('reject')).toBe('internal error');
    expect(await client.ask('x')).toBe('utf8 x');
    expect(await app!.logger.logged('error', 'Request "throw"')).toContain('an error that cannot be described');
  });

  it('and loggers that throw cost no answer', async () => {
    const client = await start({ providers: [Direct] });
    app!.logger.error = () => {
      throw new Error('disk full');
    };
    expect(await client.ask('throw')).toBe('internal error');
    expect(await client.ask('x')).toBe('utf8 x');
  });
});

describe('failures', () => {
  @Catch()
  class Returning implements ExceptionFilter {
    catch(error: Error) {
      return error;
    }
  }
  class Failing {
    @WebwireRequest('config') config() {
      throw Object.assign(new Error('broken'), { config: { password: 'hunter2' } });
    }
    @WebwireRequest('known') known() {
      throw new RequestError('KNOWN', 'told');
    }
    @WebwireRequest('returned') returned() {
      return new ForbiddenException('returned');
    }
    @WebwireRequest('null ws') nullWs() {
      throw new WsException(null as never);
    }
    @WebwireRequest('null http') nullHttp() {
      throw new HttpException(null as never, 400);
    }
  }
  @UseFilters(Returning)
  @WebwireGateway()
  class Filtered extends Failing {}
  @WebwireGateway()
  class Plain extends Failing {}

  it.each([Filtered, Plain])('that are returned are no success either', async (gateway) => {
    const client = await start({ providers: [gateway] });
    expect(await client.ask('config')).toBe('internal error');
    expect(await client.ask('known')).toBe('error KNOWN: told');
    expect(await client.ask('returned')).toBe('error FORBIDDEN: returned');
  });

  it('without content keep their meaning', async () => {
    const client = await start({ providers: [Plain] });
    expect(await client.ask('null ws')).toMatch(/^error ERROR: /);
    expect(await client.ask('null http')).toMatch(/^error BAD_REQUEST: /);
  });

  it('of reading JSON do not quote the payload, in the log or to the client', async () => {
    @WebwireGateway()
    class Reading {
      @WebwireRequest('read') read(@WebwireMessage() message: Message) {
        return message.payload.json();
      }
    }
    const client = await start({ providers: [Reading] });
    expect(await client.ask('read', 'pw=hunter2\nforged')).toBe('internal error');
    expect(await app!.logger.logged('error', 'Request "read"')).toContain('the payload is not valid JSON');
    expect(app!.logger.lines.map(({ text }) => text).join()).not.toMatch(/hunter2|forged/);
  });

  it('with texts that do not fit are cut, between characters', async () => {
    @WebwireGateway()
    class Long {
      @WebwireRequest('long') long() {
        throw new RequestError('LONG', 'xї'.repeat(8_000));
      }
      @WebwireRequest('long code') longCode() {
        throw new RequestError('C'.repeat(40), '');
      }
    }
    const client = await start({ providers: [Long] });
    const answer = await client.ask('long');
    expect(answer).toMatch(/^error LONG: (xї)+x?$/);
    expect(Buffer.byteLength(answer.slice('error LONG: '.length))).toBeGreaterThan(8_192 - 10 - 4 - 2);
    await app!.close();
    app = await TestApp.start({ providers: [Long] }, { messageBufferSize: 32 });
    const small = await app.connect();
    expect(await small.ask('nobody')).toBe('error NOT_FOUND: nobody handle');
    expect(await small.ask('long code')).toBe('internal error');
  });
});

describe('Observables', () => {
  it.each(['direct', 'enhanced'])('are unsubscribed from when the client goes (%s)', async (name) => {
    const left = deferred();
    const subscribed = deferred();
    const values = new Observable<number>((subscriber) => {
      const inner = interval(1).subscribe(subscriber);
      subscribed.resolve();
      return () => {
        inner.unsubscribe();
        left.resolve();
      };
    });
    @WebwireGateway()
    class Streaming {
      @WebwireRequest('direct') direct() {
        return values;
      }
      @UsePipes(Upper) @WebwireRequest('enhanced') enhanced() {
        return values;
      }
    }
    const client = await start({ providers: [Streaming] });
    client.send(name);
    await subscribed.promise;
    client.socket.terminate();
    await left.promise;
  });

  it.each(['direct', 'enhanced'])('may fail when they are unsubscribed from (%s)', async (name) => {
    const subscribed = deferred();
    const values = new Observable<never>(() => {
      subscribed.resolve();
      return () => {
        throw new Error('cannot be left');
      };
    });
    const left = deferred();
    @WebwireGateway()
    class Streaming {
      handleDisconnect() {
        left.resolve();
      }
      @WebwireRequest('direct') direct() {
        return values;
      }
      @UsePipes(Upper) @WebwireRequest('enhanced') enhanced() {
        return values;
      }
    }
    const client = await start({ providers: [Streaming] });
    client.send(name);
    await subscribed.promise;
    client.socket.terminate();
    await left.promise;
    expect(await app!.logger.logged('error', `Request "${name}"`)).toContain('cannot be left');
  });

  it('may be listened to by many handlers of one connection', async () => {
    const warnings: Error[] = [];
    const warn = (warning: Error) => void warnings.push(warning);
    process.on('warning', warn);
    const never = new Subject<string>();
    @WebwireGateway()
    class Streaming {
      @WebwireRequest('stream') stream() {
        return never;
      }
      @WebwireRequest('x') x() {
        return 'x';
      }
    }
    const client = await start({ providers: [Streaming] });
    for (let i = 0; i < 20; i++) client.send('stream');
    expect(await client.ask('x')).toBe('utf8 x');
    never.complete();
    process.off('warning', warn);
    expect(warnings).toEqual([]);
  });
});

it('codecs that are asynchronous are refused', async () => {
  const codec = { decode: async () => Promise.reject(new Error('later')), encode: () => Payload.utf8('') };
  @WebwireGateway({ codec })
  class Gateway {
    @WebwireRequest('x') x() {
      return 'x';
    }
  }
  const client = await start({ providers: [Gateway] });
  expect(await client.ask('x', 'y')).toBe('internal error');
  expect(await app!.logger.logged('error', 'Request "x"')).toContain(
    'decode() of the codec of Gateway.x returned a promise',
  );
});

it('hooks may return thenables', async () => {
  const awaited = deferred();
  @WebwireGateway()
  class Gateway {
    handleDisconnect() {
      // oxlint-disable-next-line unicorn/no-thenable
      return { then: (resolve: () => void) => (awaited.resolve(), resolve()) };
    }
  }
  const client = await start({ providers: [Gateway] });
  await client.close();
  await awaited.promise;
});

it('context strategies add properties to a connection, but do not replace its own', async () => {
  ContextIdFactory.apply({
    attach: (contextId) => ({ resolve: () => contextId, payload: { id: 'tenant', tenant: 'a', isActive: 1 } }),
  });
  try {
    @WebwireGateway()
    @Injectable({ scope: Scope.REQUEST })
    class Gateway {
      @WebwireRequest('x') x(connection: WebwireConnection & { tenant?: string }) {
        return `${connection.id.length} ${connection.tenant} ${connection.isActive}`;
      }
    }
    const client = await start({ providers: [Gateway] });
    expect(await client.ask('x')).toBe('utf8 36 a true');
  } finally {
    ContextIdFactory.apply(undefined as never);
  }
});
