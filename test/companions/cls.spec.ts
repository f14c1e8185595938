import { Catch, UseFilters, UseInterceptors, type ArgumentsHost } from '@nestjs/common';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { ClsInterceptor, ClsService } from 'nestjs-cls';
import { WebwireConnection, WebwireGateway, WebwireRequest, WebwireSignal, WebwireStream } from 'nestjs-webwire';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Observable } from 'rxjs';
import { expect, it, onTestFinished } from 'vitest';
import { deferred } from '../support/deferred.js';
import { Queue } from '../support/queue.js';
import { TestApp } from '../support/test-app.js';
import { describe } from '../support/wire-client.js';
import { AuditGateway, AuditService, ContextModule } from './cls.module.js';

@Catch(TypeError)
class Filter {
  constructor(private readonly audit: AuditService) {}
  catch(error: TypeError, host: ArgumentsHost) {
    return host.getType() === 'ws' ? `${error.message} ${this.audit.entry()}` : undefined;
  }
}

/** Entries of handlers and hooks. */
let seen: Queue<unknown>;

@WebwireGateway()
class Gateway {
  readonly work = deferred();
  constructor(
    private readonly audit: AuditService,
    private readonly cls: ClsService,
  ) {}

  @WebwireRequest('sign in') signIn(@MessageBody() name: string, @ConnectedSocket() connection: WebwireConnection) {
    connection.info.user = name;
  }
  @WebwireRequest('twice') async twice(@MessageBody() body: string) {
    this.cls.set('body', body);
    const before = this.audit.entry();
    await this.work.promise;
    await nextTurn();
    return `${before === this.audit.entry()} ${this.cls.get('body')} ${before}`;
  }
  @UseFilters(Filter) @WebwireRequest('fail') async fail() {
    await nextTurn();
    throw new TypeError(`${this.audit.entry()} |`);
  }
  @WebwireSignal('note') async note() {
    await nextTurn();
    seen.push(this.audit.entry());
  }
  @WebwireStream('three') async *three(@MessageBody() body: string) {
    this.cls.set('body', body);
    try {
      for (let n = 0; n < 3; n++) {
        yield `${this.cls.get('body')} ${this.audit.entry()}`;
        await nextTurn();
      }
      if (body === 'forever') await this.work.promise;
    } finally {
      seen.push(`${body} ended: ${this.cls.get('body')}`);
    }
  }
  handleDisconnect() {
    seen.push(this.cls.isActive());
  }
}

/** Its messages have no context of the guard, as global enhancers are switched off. */
@UseInterceptors(ClsInterceptor)
@WebwireGateway({ path: '/intercepted', globalEnhancers: false })
class InterceptedGateway {
  constructor(private readonly cls: ClsService) {}
  @WebwireStream('forever') forever() {
    return new Observable((subscriber) => {
      subscriber.add(() => seen.push(`forever ended: ${this.cls.isActive()}`));
      subscriber.next(`${this.cls.isActive()}`);
    });
  }
}

async function start() {
  seen = new Queue();
  const providers = [AuditService, AuditGateway, Gateway, InterceptedGateway];
  const metadata = { imports: [ContextModule], providers };
  const app = await TestApp.start(metadata, { sessions: false });
  const { work } = app.get(Gateway);
  onTestFinished(async () => {
    work.resolve();
    await app.close();
  });
  const client = await app.connect();
  const connected = describe(await client.next());
  return { app, client, connected, work };
}

const ID = '[0-9a-z]{1,8}';

it('each message has a context of its own, with the user of its connection', async () => {
  const { client } = await start();
  await client.ask('sign in', 'Ada');
  const first = await client.ask('audit');
  const second = await client.ask('audit');
  expect(first).toMatch(new RegExp(`^utf8 ${ID} of Ada$`));
  expect(second).toMatch(new RegExp(`^utf8 ${ID} of Ada$`));
  expect(second).not.toBe(first);
});

it('messages that run at once do not share a context, on one connection or on several', async () => {
  const { app, client, work } = await start();
  const other = await app.connect();
  await other.next();
  await client.ask('sign in', 'Ada');
  client.send('twice', 'one');
  client.send('twice', 'two');
  other.send('twice', 'three');
  expect(await client.ask('sign in', 'Bob')).toBe('binary');
  expect(await other.ask('sign in', 'Eve')).toBe('binary');
  work.resolve();
  const replies = [await client.next(), await client.next(), await other.next()].map(describe);
  expect(replies).toEqual([
    expect.stringMatching(new RegExp(`^utf8 true one ${ID} of Ada$`)),
    expect.stringMatching(new RegExp(`^utf8 true two ${ID} of Ada$`)),
    expect.stringMatching(new RegExp(`^utf8 true three ${ID} of undefined$`)),
  ]);
  expect(new Set(replies.map((reply) => reply.split(' ')[3])).size).toBe(3);
});

it('exception filters and signals run in the context of their message', async () => {
  const { client } = await start();
  const [, inHandler, inFilter] = /^utf8 (.*) \| (.*)$/.exec(await client.ask('fail'))!;
  expect(inHandler).toMatch(new RegExp(`^${ID} of undefined$`));
  expect(inFilter).toBe(inHandler);
  client.signal('note', 'x');
  expect(await seen.take()).toMatch(new RegExp(`^${ID} of undefined$`));
});

it('a stream keeps its context between its items and in its end, while other messages run', async () => {
  const { client } = await start();
  await client.ask('wwr:extensions', '{"extensions":["stream","cancel"]}');
  client.send('three', 'a');
  client.send('three', 'b');
  client.send('audit');
  const bodies: string[] = [];
  for (let n = 0; n < 9; n++) bodies.push(describe(await client.next()));
  for (const name of ['a', 'b']) {
    const items = bodies.filter((body) => body.includes(` ${name} `)).map((body) => body.split(` ${name} `)[1]!);
    expect(items).toEqual([expect.stringMatching(new RegExp(`^${ID} of undefined$`)), items[0], items[0]]);
  }
  expect(new Set([await seen.take(), await seen.take()])).toEqual(new Set(['a ended: a', 'b ended: b']));
});

it('a stream that the client gives up ends in its context', async () => {
  const { client, work } = await start();
  await client.ask('wwr:extensions', '{"extensions":["stream","cancel"]}');
  const id = client.send('three', 'forever');
  for (let n = 0; n < 3; n++) await client.next();
  client.signal(`wwr:cancel:${Buffer.from(id).toString('hex')}`);
  expect(describe(await client.next())).toContain('CANCELED');
  work.resolve();
  expect(await seen.take()).toBe('forever ended: forever');
});

it('a stream with the interceptor of nestjs-cls in place of its guard has a context, and ends when it is given up', async () => {
  const { app } = await start();
  const client = await app.connect('/intercepted');
  await client.ask('wwr:extensions', '{"extensions":["stream","cancel"]}');
  const id = client.send('forever');
  expect(describe(await client.next())).toContain('utf8 true');
  client.signal(`wwr:cancel:${Buffer.from(id).toString('hex')}`);
  expect(describe(await client.next())).toContain('CANCELED');
  expect(await seen.take()).toBe('forever ended: true');
});

it('a hook with @UseCls() has a context of its own, which the messages of the connection do not have', async () => {
  const { client, connected } = await start();
  expect(connected).toMatch(new RegExp(`^signal connected utf8 ${ID} of undefined$`));
  const [id] = connected.replace('signal connected utf8 ', '').split(' ');
  expect(await client.ask('audit')).not.toContain(id);
});

it('no context is left when the messages of a connection have ended', async () => {
  const { client } = await start();
  client.signal('note', 'x');
  await client.ask('audit');
  await seen.take();
  await client.close();
  expect(await seen.take()).toBe(false);
});
