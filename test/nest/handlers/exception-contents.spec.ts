import { BadRequestException, HttpException, ValidationPipe } from '@nestjs/common';
import { MessageBody, WsException } from '@nestjs/websockets';
import { IsInt, ValidateNested } from 'class-validator';
import { Readable } from 'node:stream';
import { Type as TypeOf } from 'class-transformer';
import { jsonCodec, UseHandshakeGuards, WebwireGateway, WebwireRequest } from 'nestjs-webwire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { refusal } from '../../support/refusal.js';
import { TestApp } from '../../support/test-app.js';
import type { WireClient } from '../../support/wire-client.js';

class Part {
  @IsInt() size!: number;
}
class Whole {
  @ValidateNested() @TypeOf(() => Part) part!: Part;
}

let failure: unknown;

@WebwireGateway()
class Gateway {
  @WebwireRequest('fail') fail() {
    throw failure;
  }
  @WebwireRequest('nested', { codec: jsonCodec })
  nested(@MessageBody(new ValidationPipe({ exceptionFactory: (errors) => new WsException(errors) })) _body: Whole) {}
}

class Guard {
  canActivate(): boolean {
    throw failure;
  }
}
@UseHandshakeGuards(Guard)
@WebwireGateway({ path: '/guarded' })
class GuardedGateway {}

let app: TestApp;
let client: WireClient;

beforeAll(async () => {
  app = await TestApp.start({ providers: [Gateway, GuardedGateway] });
  client = await app.connect();
});
afterAll(() => app.close());

const secret = () => Object.assign(new Error('secret'), { code: 'ESECRET', host: 'secret' });

class Described {
  readonly field = 'name';
  toString() {
    return 'not this';
  }
}
const cycle: Record<string, unknown> = { reason: 'a cycle' };
cycle.self = cycle;

const CONTENTS: [what: string, content: unknown, message: string][] = [
  ['text', 'plain text', 'plain text'],
  ['empty text', '', ''],
  ['a list of texts', ['a', 'b'], 'a; b'],
  ['a list of objects', [{ field: 'a' }, { field: 'b' }], '[{"field":"a"},{"field":"b"}]'],
  ['a mixed list', ['a', { b: 1 }], '["a",{"b":1}]'],
  ['an object without a message', { fields: { a: 'is wrong' } }, '{"fields":{"a":"is wrong"}}'],
  ['an object with a message', { message: 'the message', more: 1 }, 'the message'],
  ['an object with a list of messages', { message: ['a', 'b'] }, 'a; b'],
  ['an object with a structured message', { message: { a: ['b'] } }, '{"a":["b"]}'],
  ['an object with a number for a message', { message: 5 }, '5'],
  ['an object with a toString method', new Described(), '{"field":"name"}'],
  ['a date', { at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
  ['a Map and a Set', { map: new Map([['a', 1]]), set: new Set(['b']) }, '{"map":{"a":1},"set":["b"]}'],
  ['a Map with numbers for keys', new Map([[1, 'a']]), '{"1":"a"}'],
  ['a Map with objects for keys', { map: new Map([[{ a: 1 }, 'b']]) }, '{"map":[[{"a":1},"b"]]}'],
  ['a Map with a list for a key', new Map([[['a', 'b'], 1]]), '[[["a","b"],1]]'],
  [
    'a Map with keys that look alike',
    new Map<unknown, number>([
      [1, 1],
      ['1', 2],
    ]),
    '[[1,1],["1",2]]',
  ],
  ['a Map of Maps', new Map([['a', new Map([[new Date(0), 1]])]]), '{"a":{"1970-01-01T00:00:00.000Z":1}}'],
  [
    'boxed values',
    { text: Object('a'), list: [Object(1), Object(false), Object(2n)] },
    '{"text":"a","list":[1,false,"2"]}',
  ],
  ['boxed text', Object('text'), 'text'],
  ['boxed text as its message', { message: Object('text') }, 'text'],
  [
    'typed arrays',
    { a: new Uint8Array([1, 2]), b: new BigInt64Array([3n]), c: new Float64Array([0.5]) },
    '{"a":[1,2],"b":["3"],"c":[0.5]}',
  ],
  [
    'other bytes',
    { a: new Uint8Array([1, 2]).buffer, b: new DataView(new Uint8Array([1, 2]).buffer, 1) },
    '{"a":[1,2],"b":[2]}',
  ],
  ['a Buffer', { b: Buffer.from([1]) }, '{"b":{"type":"Buffer","data":[1]}}'],
  ['a regular expression', { pattern: /a+/i }, '{"pattern":"/a+/i"}'],
  [
    'toJSON that returns the object itself',
    {
      a: 1,
      toJSON() {
        return this;
      },
    },
    '{"a":1}',
  ],
  ['toJSON that returns a Map', { toJSON: () => new Map([['a', 1]]) }, '{"a":1}'],
  ['a BigInt', { big: 10n }, '{"big":"10"}'],
  ['a cycle', cycle, '{"reason":"a cycle"}'],
  ['a number', 42, '42'],
];

const NOTHING: [what: string, content: unknown][] = [
  ['an Error', secret()],
  ['an Error as its message', { message: secret() }],
  ['a list of Errors', [secret()]],
  ['a list of Errors as its message', { message: [secret(), secret()] }],
  ['an Error of Errors', new AggregateError([secret()], 'secret')],
  ['undefined', undefined],
  ['null', null],
  ['an empty list', []],
  ['an empty object', {}],
  ['a function', () => 'secret'],
  ['a promise', Promise.resolve('secret')],
  ['a promise that rejects', { toJSON: async () => Promise.reject(secret()) }],
  ['a Map with an Error for a key', new Map([[secret(), 'a']])],
  ['a stream', Readable.from(['secret'])],
  ['a WeakMap', new WeakMap([[secret(), 1]])],
  [
    'a getter that fails',
    {
      details: {
        get text() {
          throw secret();
        },
      },
    },
  ],
];

describe('the content of a WsException', () => {
  const answer = async (content: unknown) => {
    failure = new WsException(content as object);
    return client.ask('fail');
  };

  it.each(CONTENTS)('arrives: %s', async (_what, content, message) => {
    expect(await answer(content)).toBe(`error ERROR: ${message}`);
  });

  it.each(NOTHING)('is not sent: %s', async (_what, content) => {
    expect(await answer(content)).toBe('error ERROR: error');
  });

  it('gives the code, which is not repeated', async () => {
    expect(await answer({ code: 'FULL', message: 'no room' })).toBe('error FULL: no room');
    expect(await answer({ code: 'FULL', free: 0 })).toBe('error FULL: {"free":0}');
    expect(await answer({ code: 'FULL' })).toBe('error FULL: error');
    expect(await answer({ code: 5, message: 'no room' })).toBe('error ERROR: no room');
    expect(await answer({ code: 5 })).toBe('error ERROR: {"code":5}');
  });

  it('leaves out Errors at any depth', async () => {
    expect(await answer({ a: { cause: secret(), b: [secret(), 'c'] } })).toBe('error ERROR: {"a":{"b":["c"]}}');
    expect(await answer({ list: new Set([secret()]), map: new Map([['cause', secret()]]) })).toBe(
      'error ERROR: {"list":[],"map":{}}',
    );
    expect(await answer({ nested: { toJSON: () => ({ cause: secret() }) } })).toBe('error ERROR: {"nested":{}}');
    const map = new Map<unknown, unknown>([
      [secret(), 'a'],
      [{ cause: secret() }, 'b'],
    ]);
    expect(await answer({ map })).toBe('error ERROR: {"map":[[{},"b"]]}');
  });

  it('leaves out values that JSON cannot express', async () => {
    const content = {
      a: Promise.resolve(1),
      b: [new Headers({ a: 'b' }), [1].values()],
      c: Readable.from(['d']),
      e: 1,
    };
    expect(await answer(content)).toBe('error ERROR: {"b":[],"e":1}');
  });

  it('is bounded in depth, number and length', async () => {
    let deep: object = { end: 'here' };
    for (let level = 0; level < 10_000; level++) deep = { deep };
    expect(await answer(deep)).toMatch(/^error ERROR: (\{"deep":){9}/);
    const many = Array.from({ length: 1_000_000 }, (_, index) => ({ index }));
    expect((await answer(many)).length).toBeLessThanOrEqual(8_192);
    expect((await answer(new Map(many.slice(0, 10_000).map((item) => [item, item])))).length).toBeLessThanOrEqual(
      8_192,
    );
    expect((await answer({ bytes: new Uint8Array(10_000_000) })).length).toBeLessThanOrEqual(8_192);
    expect((await answer({ long: 'x'.repeat(1_000_000) })).length).toBeLessThanOrEqual(8_192);
  });

  it('of nested validation errors names the property and the rule', async () => {
    const reply = await client.ask('nested', '{"part":{"size":"x"}}');
    const [whole] = JSON.parse(reply.slice('error ERROR: '.length)) as [{ property: string; children: unknown[] }];
    expect(whole).toMatchObject({
      property: 'part',
      children: [{ property: 'size', constraints: { isInt: 'size must be an integer number' } }],
    });
  });
});

describe('the content of an HttpException', () => {
  const answer = async (content: unknown) => {
    failure = new HttpException(content as object, 400);
    return client.ask('fail');
  };

  it.each(CONTENTS)('arrives: %s', async (_what, content, message) => {
    expect(await answer(content)).toBe(`error BAD_REQUEST: ${message}`);
  });

  it.each(NOTHING)('is not sent, only its status: %s', async (_what, content) => {
    expect(await answer(content)).toBe('error BAD_REQUEST: bad request');
  });

  it('may be validation errors', async () => {
    failure = new BadRequestException([{ property: 'a', constraints: { isInt: 'no' } }]);
    expect(await client.ask('fail')).toBe('error BAD_REQUEST: [{"property":"a","constraints":{"isInt":"no"}}]');
  });
});

describe('the content of an exception of a handshake guard', () => {
  it.each(CONTENTS.filter(([, , message]) => message !== ''))('arrives: %s', async (_what, content, message) => {
    failure = new WsException(content as object);
    expect(await refusal(app.url('/guarded'))).toBe(`403 ${message}`);
    failure = new HttpException(content as object, 418);
    expect(await refusal(app.url('/guarded'))).toBe(`418 ${message}`);
  });

  it.each(NOTHING)('is not sent, only its status: %s', async (_what, content) => {
    failure = new WsException(content as object);
    expect(await refusal(app.url('/guarded'))).toBe('403 error');
    failure = new HttpException(content as object, 418);
    expect(await refusal(app.url('/guarded'))).toBe('418 i am a teapot');
  });
});

describe('an error code that cannot be sent', () => {
  it.each([
    ['a letter that is not ASCII', { code: 'ÜBER', message: 'x' }, '"ÜBER"'],
    ['a line break', { code: 'A\nB', message: 'x' }, '"A\\nB"'],
    ['too long', { code: 'C'.repeat(256), message: 'x' }, 'CCC'],
  ])('is logged with its handler: %s', async (_what, content, shown) => {
    failure = new WsException(content);
    expect(await client.ask('fail')).toBe('internal error');
    const line = await app.logger.logged('error', shown);
    expect(line).toContain('Gateway.fail failed with the error code');
    expect(line).toContain('[cause]: ');
  });
});
