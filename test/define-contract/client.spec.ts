import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import {
  Payload,
  WebwireGateway,
  WebwireRequest,
  WebwireSignal,
  WebwireStream,
  type WebwireConnection,
} from 'nestjs-webwire';
import { ContractError as ContractErrorOfClient, InvalidOptionError, WebwireClient } from 'nestjs-webwire/client';
import { ContractError, defineContract, type StandardSchema } from 'nestjs-webwire/contract';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { deferred } from '../support/deferred.js';
import { Queue } from '../support/queue.js';
import { failure, startApp } from './contract-app.js';

const At = z.object({ at: z.coerce.date() });
let gate = deferred();
const Slow = z.string().refine(async (text) => {
  if (text === 'slow') await gate.promise;
  return text !== 'bad';
});

const failing = z.unknown().transform(() => {
  throw new Error('a bug');
});
const failingLate: StandardSchema<unknown, string> = {
  '~standard': { version: 1, vendor: 'test', validate: async () => Promise.reject(new Error('a late bug')) },
};

const contract = defineContract({
  requests: {
    text: { body: z.string(), reply: z.string() },
    when: { reply: At },
    late: { reply: Slow },
    nothing: {},
    raw: { body: z.unknown(), reply: z.object({ n: z.number() }) },
    fails: { body: z.unknown(), reply: failing },
    failsLate: { reply: failingLate },
  },
  streams: {
    items: { body: z.array(z.unknown()), item: z.object({ n: z.number() }) },
    lateItems: { item: Slow },
    failing: { item: failing },
  },
  signals: { emit: { body: z.array(z.unknown()) } },
  serverSignals: {
    tick: { body: z.object({ n: z.number().transform((n) => n * 2) }) },
    slow: { body: Slow },
    fails: { body: failing },
    empty: {},
  },
});

const received = new Queue<unknown>();

/** A server that keeps to no contract. */
@WebwireGateway()
class Loose {
  @WebwireRequest('text') text(@MessageBody() body: string) {
    received.push(body);
    return Payload.json('text');
  }
  @WebwireRequest('when') when() {
    return { at: new Date(0) };
  }
  @WebwireRequest('late') late() {
    return Payload.json('bad');
  }
  @WebwireRequest('nothing') nothing() {
    return 'something';
  }
  @WebwireRequest('fails') fails() {
    return 'text';
  }
  @WebwireRequest('failsLate') failsLate() {
    return Payload.json('text');
  }
  @WebwireStream('failing') async *failing() {
    yield await Promise.resolve(Payload.json('text'));
  }
  @WebwireRequest('raw') raw(@MessageBody() body: string) {
    return JSON.parse(body) === 'not JSON' ? '{' : body;
  }
  @WebwireStream('items') async *items(@MessageBody() body: string) {
    for (const item of JSON.parse(body) as unknown[]) yield Payload.json(item);
    received.push('done');
  }
  @WebwireStream('lateItems') async *lateItems() {
    for (const item of ['a', 'slow', 'b', 'bad', 'c']) yield Payload.json(item);
  }
  @WebwireSignal('emit') emit(@MessageBody() body: string, @ConnectedSocket() connection: WebwireConnection) {
    for (const [name, value] of JSON.parse(body) as [string, unknown][]) connection.signal(name, Payload.json(value));
  }
}

async function start(options: { validate?: boolean } = {}) {
  const { connect } = await startApp([Loose]);
  const client = await connect({ contract, ...options });
  const errors = new Queue<unknown>();
  client.on('error', ({ error }) => errors.push(error));
  return { client, errors };
}

describe('a client with a contract', () => {
  it('sends and receives JSON, strings included', async () => {
    const { client } = await start();
    expect((await client.request('text', 'hi')).body).toBe('text');
    expect(await received.take()).toBe('"hi"');
  });

  it('gets replies as their schema has transformed them, each time the same object', async () => {
    const { client } = await start();
    const reply = await client.request('when');
    expect(reply.body.at).toEqual(new Date(0));
    expect(reply.body).toBe(reply.body);
    expect(reply.text()).toBe('{"at":"1970-01-01T00:00:00.000Z"}');
  });

  it('rejects with a ContractError if a reply does not fit', async () => {
    const { client } = await start();
    const error = await client.request('raw', { n: 'x' }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ContractError);
    expect(error).toMatchObject({
      code: 'CONTRACT_VIOLATION',
      message: 'the reply to "raw" does not fit the contract: n: Invalid input: expected number, received string',
      issues: [{ path: ['n'] }],
    });
  });

  it('rejects with a ContractError if a reply is not JSON', async () => {
    const { client } = await start();
    expect(await failure(client.request('raw', 'not JSON'))).toBe('CONTRACT_VIOLATION: the reply to "raw" is not JSON');
  });

  it('names the request, signal or stream whose schema failed', async () => {
    const { client, errors } = await start();
    const failed = 'could not be validated, because its schema failed';
    expect(await failure(client.request('fails'))).toBe('CONTRACT_VIOLATION: the reply to "fails" is not JSON');
    const error = await client.request('failsLate').catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      message: `the reply to "failsLate" ${failed}`,
      issues: [],
      cause: { message: 'a late bug' },
    });
    const next = client.stream('failing').next();
    expect(await failure(next)).toBe(`CONTRACT_VIOLATION: an item of the stream "failing" ${failed}`);
    await client.signal('emit', [['fails', 1]]);
    expect(await errors.take()).toMatchObject({ message: `the signal "fails" ${failed}`, cause: { message: 'a bug' } });
  });

  it('awaits asynchronous schemas', async () => {
    const { client } = await start();
    expect(await failure(client.request('late'))).toMatch(/^CONTRACT_VIOLATION: the reply to "late"/);
  });

  it('gets no reply where the contract has none', async () => {
    const { client } = await start();
    expect((await client.request('nothing')).body).toBeUndefined();
  });

  it('does not validate names that the contract does not have', async () => {
    const { client } = await start();
    expect(await failure(client.request('constructor' as never))).toMatch(/^NOT_FOUND/);
    expect(await failure(client.request('__proto__' as never))).toMatch(/^NOT_FOUND/);
  });

  it('stays connected after a violation', async () => {
    const { client } = await start();
    await failure(client.request('raw', {}));
    expect(client.status).toBe('connected');
    expect((await client.request('raw', { n: 1 })).body).toEqual({ n: 1 });
  });

  it('validates nothing with validate: false', async () => {
    const { client } = await start({ validate: false });
    expect((await client.request('raw', { n: 'x' })).body).toEqual({ n: 'x' });
    expect((await client.request('when')).body).toEqual({ at: '1970-01-01T00:00:00.000Z' });
  });

  it('uses the same ContractError as the contract', () => {
    expect(ContractErrorOfClient).toBe(ContractError);
  });

  it('takes contracts of defineContract() only', () => {
    const make = (bad: unknown) => () =>
      new WebwireClient('ws://a', { contract: bad as typeof contract, webSocket: class {} as never });
    expect(make({})).toThrow(InvalidOptionError);
    expect(make({ requests: {} })).toThrow('WebWire option contract is "object", but must be ');
    expect(() => new WebwireClient('ws://a', { validate: 'no' as never })).toThrow(
      'WebWire option validate is "no", but must be true or false',
    );
  });
});

describe('signals of the server', () => {
  it('arrive as their schema has transformed them', async () => {
    const { client } = await start();
    const ticks = new Queue<unknown>();
    client.onSignal('tick', ({ body }) => ticks.push(body));
    await client.signal('emit', [['tick', { n: 2, more: 1 }]]);
    expect(await ticks.take()).toEqual({ n: 4 });
  });

  it('that do not fit are reported, and not delivered', async () => {
    const { client, errors } = await start();
    const ticks = new Queue<unknown>();
    client.onSignal(({ body }) => ticks.push(body));
    await client.signal('emit', [
      ['tick', { n: 'x' }],
      ['tick', { n: 1 }],
    ]);
    const error = await errors.take();
    expect(error).toBeInstanceOf(ContractError);
    expect((error as Error).message).toBe(
      'the signal "tick" does not fit the contract: n: Invalid input: expected number, received string',
    );
    expect(await ticks.take()).toEqual({ n: 2 });
  });

  it('keep their order behind one with an asynchronous schema', async () => {
    const { client, errors } = await start();
    gate = deferred();
    const seen = new Queue<unknown>();
    client.onSignal((payload, name) => seen.push([name, payload.body]));
    await client.signal('emit', [
      ['slow', 'slow'],
      ['tick', { n: 1 }],
      ['slow', 'bad'],
      ['slow', 'a'],
      ['unknown', 1],
    ]);
    await client.request('nothing');
    gate.resolve();
    expect(await seen.take()).toEqual(['slow', 'slow']);
    expect(await seen.take()).toEqual(['tick', { n: 2 }]);
    expect(await seen.take()).toEqual(['slow', 'a']);
    expect(await seen.take()).toEqual(['unknown', 1]);
    expect((await errors.take()) as Error).toMatchObject({ code: 'CONTRACT_VIOLATION' });
  });

  it('have no body where the contract has none', async () => {
    const { client } = await start();
    const seen = new Queue<unknown>();
    client.onSignal('empty', ({ body }) => seen.push([body]));
    await client.signal('emit', [['empty', { any: 'thing' }]]);
    expect(await seen.take()).toEqual([undefined]);
  });
});

describe('items of a stream', () => {
  it('are validated, and the first one that does not fit ends the stream', async () => {
    const { client } = await start();
    const seen: unknown[] = [];
    const read = async () => {
      for await (const { body } of client.stream('items', [{ n: 1, more: 1 }, { n: 'x' }, { n: 2 }])) seen.push(body);
    };
    expect(await failure(read())).toBe(
      'CONTRACT_VIOLATION: an item of the stream "items" does not fit the contract: n: Invalid input: expected number, received string',
    );
    expect(seen).toEqual([{ n: 1 }]);
    expect(client.status).toBe('connected');
  });

  it('may have an asynchronous schema', async () => {
    const { client } = await start();
    gate = deferred();
    gate.resolve();
    const seen: unknown[] = [];
    const read = async () => {
      for await (const { body } of client.stream('lateItems')) seen.push(body);
    };
    expect(await failure(read())).toMatch(/^CONTRACT_VIOLATION/);
    expect(seen).toEqual(['a', 'slow', 'b']);
  });
});
