import {
  CallHandler,
  CanActivate,
  Catch,
  ExceptionFilter,
  ExecutionContext,
  ForbiddenException,
  Inject,
  Injectable,
  NestInterceptor,
  PipeTransform,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import {
  Payload,
  RequestError,
  WebwireGateway,
  WebwireRequest,
  WebwireSignal,
  type WebwireConnection,
} from 'nestjs-webwire';
import { jsonCodec } from 'nestjs-webwire/client';
import { defineContract, type StandardSchema } from 'nestjs-webwire/contract';
import { Observable, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Queue } from '../support/queue.js';
import type { TestApp } from '../support/test-app.js';
import { failure, startApp } from './contract-app.js';

const Person = z.object({ name: z.string(), age: z.coerce.number().default(18) });
const Public = z.object({ name: z.string() });
const Late = z.object({ name: z.string().refine(async (name) => Promise.resolve(name !== 'taken'), 'is taken') });

type Nested = { child?: Nested | undefined };
const Nested: z.ZodType<Nested> = z.object({ child: z.lazy(() => Nested).optional() });

function schemaThat(
  validate: StandardSchema<unknown, string>['~standard']['validate'],
): StandardSchema<unknown, string> {
  return { '~standard': { version: 1, vendor: 'test', validate } };
}

const app = defineContract({
  requests: {
    greet: { body: Person, reply: z.string() },
    show: { body: z.unknown(), reply: Public },
    bodiless: { reply: z.string() },
    mute: { body: z.string() },
    late: { body: Late, reply: Late },
    nested: { body: Nested, reply: z.number() },
    union: {
      body: z.discriminatedUnion('kind', [
        z.object({ kind: z.literal('a'), a: z.number() }),
        z.object({ kind: z.literal('b') }),
      ]),
      reply: z.string(),
    },
    throws: {
      body: schemaThat(() => {
        throw new Error('a bug with secret 1234');
      }),
    },
    rejects: { body: schemaThat(async () => Promise.reject(new Error('a late bug'))) },
    invalidDate: { body: z.string().transform((text) => new Date(text).toISOString()), reply: z.string() },
    refuses: {
      body: schemaThat(() => {
        throw new ForbiddenException('not today');
      }),
    },
    noResult: { body: schemaThat(() => undefined as never), reply: z.string() },
    noReplyResult: { reply: schemaThat(() => null as never) },
    badIssues: { body: schemaThat(() => ({ issues: 'bad' }) as never) },
    oddIssues: {
      body: schemaThat(
        () => ({ issues: [{}, { message: 5, path: [null, { key: {} }, 'a'] }, null, undefined] }) as never,
      ),
    },
    noIssues: { body: schemaThat(() => ({ issues: [] })) },
    foreignPromise: {
      // oxlint-disable-next-line unicorn/no-thenable -- as those of other libraries
      body: schemaThat((value) => ({ then: (resolve: (result: unknown) => void) => resolve({ value }) }) as never),
      reply: z.unknown(),
    },
    badReply: {
      reply: schemaThat(() => {
        throw new Error('a bug in the reply');
      }),
    },
    observed: { body: z.number(), reply: z.number() },
    list: { body: z.array(z.object({ id: z.number() })), reply: z.number() },
    record: { body: z.record(z.string(), z.number()), reply: z.array(z.string()) },
  },
  signals: { typing: { body: Public }, ping: {} },
});

const log = new Queue<unknown>();

@WebwireGateway()
class Gateway {
  @WebwireRequest(app.requests.greet) greet(@MessageBody() { name, age }: z.output<typeof Person>) {
    return `${name} ${age + 1}`;
  }
  @WebwireRequest(app.requests.show) show(@MessageBody() body: unknown) {
    return body as { name: string };
  }
  @WebwireRequest(app.requests.bodiless) bodiless(@MessageBody() body: unknown) {
    return String(body);
  }
  @WebwireRequest(app.requests.mute) mute(@MessageBody() body: string): void {
    return body as never;
  }
  @WebwireRequest(app.requests.late) async late(@MessageBody() body: z.output<typeof Late>) {
    return Promise.resolve(body.name === 'forbidden' ? { name: 'taken' } : body);
  }
  @WebwireRequest(app.requests.nested) nested(@MessageBody() body: Nested) {
    let depth = 0;
    for (let at: Nested | undefined = body; at; at = at.child) depth++;
    return depth;
  }
  @WebwireRequest(app.requests.union) union(@MessageBody() body: { kind: string }) {
    return body.kind;
  }
  @WebwireRequest(app.requests.throws) throws() {}
  @WebwireRequest(app.requests.rejects) rejects() {}
  @WebwireRequest(app.requests.invalidDate) invalidDate(@MessageBody() body: string) {
    return body;
  }
  @WebwireRequest(app.requests.refuses) refuses() {}
  @WebwireRequest(app.requests.noResult) noResult(): never {
    throw new Error('reached');
  }
  @WebwireRequest(app.requests.noReplyResult) noReplyResult() {
    return 1;
  }
  @WebwireRequest(app.requests.badIssues) badIssues() {}
  @WebwireRequest(app.requests.oddIssues) oddIssues() {}
  @WebwireRequest(app.requests.noIssues) noIssues() {}
  @WebwireRequest(app.requests.foreignPromise) foreignPromise(@MessageBody() body: unknown) {
    return body;
  }
  @WebwireRequest(app.requests.badReply) badReply() {
    return 1;
  }
  @WebwireRequest(app.requests.observed) observed(@MessageBody() body: number): Observable<number> {
    return of(1, body);
  }
  @WebwireRequest(app.requests.list) list(@MessageBody() body: { id: number }[]) {
    return body.length;
  }
  @WebwireRequest(app.requests.record) record(@MessageBody() body: Record<string, number>) {
    return Object.keys(body);
  }
  @WebwireSignal(app.signals.typing) typing(
    @ConnectedSocket() _: WebwireConnection,
    @MessageBody() body: { name: string },
  ) {
    log.push(body);
  }
  @WebwireSignal(app.signals.ping) ping(@MessageBody() body: unknown) {
    log.push(body);
  }
}

async function start() {
  const { app: testApp, connect } = await startApp([Gateway], { messageBufferSize: 2_000_000 });
  const client = await connect({ codec: jsonCodec });
  const ask = async (name: string, body?: unknown) => (await client.request(name, body)).body;
  return { logger: testApp.logger, client, ask };
}

describe('the body of an entry', () => {
  it('arrives as the schema has transformed it', async () => {
    const { ask } = await start();
    expect(await ask('greet', { name: 'Ada', age: '36' })).toBe('Ada 37');
  });

  it('arrives with defaults', async () => {
    const { ask } = await start();
    expect(await ask('greet', { name: 'Ada' })).toBe('Ada 19');
  });

  it('is refused with path and reason of each issue', async () => {
    const { ask } = await start();
    expect(await failure(ask('greet', { name: 5, age: 'x' }))).toBe(
      'BAD_REQUEST: name: Invalid input: expected string, received number; age: Invalid input: expected number, received NaN',
    );
  });

  it('is refused with paths into lists', async () => {
    const { ask } = await start();
    expect(await failure(ask('list', [{ id: 1 }, { id: 'x' }]))).toMatch(/^BAD_REQUEST: \[1\]\.id: /);
  });

  it('is refused without a path if it is wrong as a whole', async () => {
    const { ask } = await start();
    expect(await failure(ask('greet', 5))).toBe('BAD_REQUEST: Invalid input: expected object, received number');
    expect(await failure(ask('greet'))).toBe('BAD_REQUEST: Invalid input: expected object, received undefined');
    expect(await failure(ask('greet', null))).toBe('BAD_REQUEST: Invalid input: expected object, received null');
    expect(await failure(ask('greet', Uint8Array.of(1)))).toBe(
      'BAD_REQUEST: name: Invalid input: expected string, received undefined',
    );
  });

  it('is refused if it is not JSON', async () => {
    const { ask } = await start();
    expect(await failure(ask('greet', Payload.utf8('{')))).toBe('BAD_REQUEST: the body could not be decoded');
  });

  it('may be of a union', async () => {
    const { ask } = await start();
    expect(await ask('union', { kind: 'b' })).toBe('b');
    expect(await failure(ask('union', { kind: 'a' }))).toMatch(/^BAD_REQUEST: a: /);
    expect(await failure(ask('union', { kind: 'c' }))).toMatch(/^BAD_REQUEST: kind: /);
  });

  it('may have an asynchronous schema', async () => {
    const { ask } = await start();
    expect(await ask('late', { name: 'Ada' })).toEqual({ name: 'Ada' });
    expect(await failure(ask('late', { name: 'taken' }))).toBe('BAD_REQUEST: name: is taken');
  });

  it('does not reach a handler whose entry has none', async () => {
    const { ask } = await start();
    expect(await ask('bodiless', { any: 'thing' })).toBe('undefined');
  });

  it('is refused in a message of limited length, however many issues there are', async () => {
    const { ask } = await start();
    const message = await failure(
      ask(
        'list',
        Array.from({ length: 500 }, () => 'x'),
      ),
    );
    expect(message).toMatch(/^BAD_REQUEST: \[0\]: .*; and 480 more$/);
    expect(message.length).toBeLessThan(2_300);
  });

  it('is quoted without control characters', async () => {
    const { ask } = await start();
    const message = await failure(ask('record', { 'a\u001b[31m': 'x' }));
    expect(message).toMatch(/^BAD_REQUEST: \["a\\u001b\[31m"\]: /);
  });

  it('is refused if it is nested too deeply for its schema', async () => {
    const { ask, logger } = await start();
    expect(await ask('nested', { child: { child: {} } })).toBe(3);
    const deep = '{"child":'.repeat(100_000) + '{}' + '}'.repeat(100_000);
    expect(await failure(ask('nested', Payload.utf8(deep)))).toBe('BAD_REQUEST: the body is nested too deeply');
    expect(logger.at('error')).toEqual([]);
  });

  it('with a member __proto__ changes no prototype', async () => {
    const { ask } = await start();
    expect(await ask('greet', Payload.utf8('{"name":"Ada","__proto__":{"age":99}}'))).toBe('Ada 19');
    await failure(ask('record', Payload.utf8('{"__proto__":{"polluted":1},"constructor":1}')));
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('is an internal error if the schema fails, and the client learns nothing of it', async () => {
    const { ask, logger } = await start();
    expect(await failure(ask('throws', {}))).toBe('INTERNAL_SERVER_ERROR: internal server error');
    expect(await logger.logged('error', 'The schema of the body of Gateway.throws failed')).toContain(
      'a bug with secret',
    );
    expect(await failure(ask('rejects', {}))).toBe('INTERNAL_SERVER_ERROR: internal server error');
    expect(await logger.logged('error', 'The schema of the body of Gateway.rejects failed')).toContain('a late bug');
  });
});

describe('a schema of a body', () => {
  it('that fails with another RangeError than that of the stack has a mistake', async () => {
    const { ask, logger } = await start();
    expect(await failure(ask('invalidDate', 'never'))).toBe('INTERNAL_SERVER_ERROR: internal server error');
    expect(await logger.logged('error', 'The schema of the body of Gateway.invalidDate failed')).toContain(
      'Invalid time value',
    );
  });

  it('may refuse the client with an exception of Nest', async () => {
    const { ask } = await start();
    expect(await failure(ask('refuses', 'x'))).toBe('FORBIDDEN: not today');
  });

  it.each(['noResult', 'badIssues'])('that returns no result has a mistake: %s', async (name) => {
    const { ask, logger } = await start();
    expect(await failure(ask(name, 'x'))).toBe('INTERNAL_SERVER_ERROR: internal server error');
    expect(await logger.logged('error', `The schema of the body of Gateway.${name} failed`)).toContain(
      'the schema returned neither an object with a value nor a list of issues',
    );
  });

  it('may give issues without texts and paths', async () => {
    const { ask } = await start();
    expect(await failure(ask('oddIssues', 'x'))).toBe(
      'BAD_REQUEST: the schema gives no reason; [?][?].a: the schema gives no reason; ' +
        'the schema gives no reason; the schema gives no reason',
    );
    expect(await failure(ask('noIssues', 'x'))).toBe('BAD_REQUEST: the schema gives no reason');
  });

  it('may return a promise of another library', async () => {
    const { ask } = await start();
    expect(await ask('foreignPromise', 'x')).toBe('x');
  });
});

describe('the reply of an entry', () => {
  it('has no properties that the schema does not have', async () => {
    const { ask } = await start();
    expect(await ask('show', { name: 'Ada', password: '1234' })).toEqual({ name: 'Ada' });
  });

  it('that does not fit is an internal error, logged with handler and paths, but without values', async () => {
    const { ask, logger } = await start();
    expect(await failure(ask('show', { name: { secret: '1234' } }))).toBe(
      'INTERNAL_SERVER_ERROR: internal server error',
    );
    const line = await logger.logged('error', 'The reply of Gateway.show does not fit the contract: issues at "name"');
    expect(line).not.toContain('1234');
  });

  it('may have an asynchronous schema', async () => {
    const { ask, logger } = await start();
    expect(await failure(ask('late', { name: 'forbidden' }))).toBe('INTERNAL_SERVER_ERROR: internal server error');
    await logger.logged('error', 'The reply of Gateway.late does not fit the contract: issues at "name"');
  });

  it('is empty if the entry has none, whatever the handler returns', async () => {
    const { client } = await start();
    expect((await client.request('mute', 'text')).bytes).toHaveLength(0);
  });

  it('is the last value of an Observable', async () => {
    const { ask } = await start();
    expect(await ask('observed', 5)).toBe(5);
  });

  it('is an internal error if the schema fails', async () => {
    const { ask, logger } = await start();
    expect(await failure(ask('badReply'))).toBe('INTERNAL_SERVER_ERROR: internal server error');
    expect(await logger.logged('error', 'The schema of the reply of Gateway.badReply failed')).toContain(
      'a bug in the reply',
    );
    expect(await failure(ask('noReplyResult'))).toBe('INTERNAL_SERVER_ERROR: internal server error');
    await logger.logged('error', 'The schema of the reply of Gateway.noReplyResult failed');
  });
});

describe('a signal of the client', () => {
  it('reaches its handler with a valid body only, and is logged otherwise', async () => {
    const { client, logger } = await start();
    await client.signal('typing', { name: 5 });
    await client.signal('typing', { name: 'Ada', more: true });
    expect(await log.take()).toEqual({ name: 'Ada' });
    const line = await logger.logged(
      'debug',
      'a body that does not fit the contract of Gateway.typing: issues at "name"',
    );
    expect(line).toContain('"typing"');
    expect(logger.at('error')).toEqual([]);
  });

  it('reaches its handler without a body if the entry has none', async () => {
    const { client } = await start();
    await client.signal('ping', { any: 'thing' });
    expect(await log.take()).toBeUndefined();
  });
});

const order: string[] = [];

@Injectable()
class Guard implements CanActivate {
  canActivate(context: ExecutionContext) {
    const data = context.switchToWs().getData<{ name: unknown }>();
    order.push('guard');
    return data.name !== 'closed';
  }
}

@Injectable()
class Seen implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    order.push(`interceptor ${JSON.stringify(context.switchToWs().getData())}`);
    return next.handle();
  }
}

@Injectable()
class Pipe implements PipeTransform {
  transform(value: unknown) {
    order.push(`pipe ${JSON.stringify(value)}`);
    return value;
  }
}

@Catch(RequestError)
class Filter implements ExceptionFilter<RequestError> {
  catch({ code, message }: RequestError) {
    if (message.includes('badly')) return { name: { secret: 1234 } };
    if (message.includes('filtered')) return { name: `${code} was filtered` };
    return undefined;
  }
}

const Named = z.object({
  name: z
    .string()
    .refine((name) => name !== 'bad', 'is filtered')
    .refine((name) => name !== 'worse', 'is filtered badly')
    .transform((name) => name.toUpperCase()),
});
const guarded = defineContract({ requests: { enhanced: { body: Named, reply: z.object({ name: z.string() }) } } });

class Enhanced {
  @UseGuards(Guard)
  @UseInterceptors(Seen)
  @UsePipes(Pipe)
  @UseFilters(Filter)
  @WebwireRequest(guarded.requests.enhanced)
  enhanced(@MessageBody() body: { name: string }) {
    return body;
  }
}

@WebwireGateway()
class Static extends Enhanced {}

@WebwireGateway()
@Injectable({ scope: Scope.REQUEST })
class Scoped extends Enhanced {
  constructor(@Inject(REQUEST) readonly connection: unknown) {
    super();
  }
}

describe.each([Static, Scoped])('enhancers of $name', (gateway) => {
  let logger: TestApp['logger'];

  async function ask(body: unknown): Promise<string> {
    order.length = 0;
    const { app: testApp, connect } = await startApp([gateway]);
    logger = testApp.logger;
    const client = await connect({ codec: jsonCodec });
    return client.request('enhanced', body).then(
      (reply) => JSON.stringify(reply.body),
      (error: Error) => failure(Promise.reject(error)),
    );
  }

  it('see the validated body in interceptors and pipes', async () => {
    expect(await ask({ name: 'ada' })).toBe('{"name":"ADA"}');
    expect(order).toEqual(['guard', 'interceptor {"name":"ADA"}', 'pipe {"name":"ADA"}']);
  });

  it('refuse clients before the body is validated', async () => {
    expect(await ask({ name: 'closed', more: 5 })).toBe('FORBIDDEN: Forbidden resource');
    expect(order).toEqual(['guard']);
  });

  it('are not reached by a body that does not fit', async () => {
    expect(await ask({ name: 5 })).toBe('BAD_REQUEST: name: Invalid input: expected string, received number');
    expect(order).toEqual(['guard']);
  });

  it('may answer a body that does not fit, in an exception filter', async () => {
    expect(await ask({ name: 'bad' })).toBe('{"name":"BAD_REQUEST was filtered"}');
  });

  it('do not hide a failure behind an answer that does not fit, which is logged without values', async () => {
    expect(await ask({ name: 'worse' })).toBe('BAD_REQUEST: name: is filtered badly');
    const line = await logger.logged('error', `An exception filter of ${gateway.name}.enhanced failed`);
    expect(line).toContain(`The reply of ${gateway.name}.enhanced does not fit the contract: issues at "name"`);
    expect(line).not.toContain('1234');
  });
});
