import { Inject, UseFilters, UsePipes } from '@nestjs/common';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import * as server from 'nestjs-webwire';
import {
  jsonCodec,
  Payload,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireService,
  WebwireSignal,
  type Cluster,
  type ClusterNode,
  type ClusterTarget,
  type Message,
  type PayloadCodec,
  type WebwireConnection,
  type WebwireModuleOptions,
} from 'nestjs-webwire';
import * as clientSide from 'nestjs-webwire/client';
import { WebwireClient } from 'nestjs-webwire/client';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { encodeEnvelope, decodeEnvelope } from '../../../lib/redis/envelope.js';
import { TestApp } from '../../support/test-app.js';
import { describe as show } from '../../support/wire-client.js';

/** A binary codec, like MessagePack: reversed JSON in bytes. */
const backwards: PayloadCodec = {
  decode: ({ bytes }) => JSON.parse(Buffer.from(Buffer.from(bytes).toReversed()).toString()),
  encode: (value) => Payload.binary(Buffer.from(JSON.stringify(value)).toReversed()),
};

const apps: TestApp[] = [];
const clients: WebwireClient[] = [];

async function start(
  gateways: (new (...args: never[]) => object)[],
  options: WebwireModuleOptions = {},
): Promise<TestApp> {
  const app = await TestApp.start(
    { providers: gateways },
    { sessions: { manager: new server.MemorySessionManager() }, ...options },
  );
  apps.push(app);
  return app;
}

function clientOf(app: TestApp, codec: PayloadCodec, path = '/') {
  const client = new WebwireClient(app.url(path), { codec, webSocket: WebSocket, sessionStorage: false });
  clients.push(client);
  return client;
}

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

class Handlers {
  readonly bodies: unknown[] = [];
  @Inject(WebwireService) readonly webwire!: WebwireService;

  @WebwireRequest('echo') echo(@MessageBody() body: unknown) {
    return body;
  }
  @WebwireRequest('later') async later(@MessageBody() body: unknown) {
    return Promise.resolve(body);
  }
  @WebwireSignal('note') note(@MessageBody() body: unknown, @ConnectedSocket() connection: WebwireConnection) {
    this.bodies.push(body);
    connection.signal('noted', body);
  }
  @WebwireRequest('all ways') async allWays(
    @MessageBody() body: unknown,
    @ConnectedSocket() connection: WebwireConnection,
  ) {
    await connection.createSession();
    this.webwire.join(connection, 'group');
    connection.signal('one', body);
    this.webwire.broadcast('all', body);
    this.webwire.broadcast('gateway', body, { gateway: this.constructor as never });
    this.webwire.signalGroup('group', 'group', body);
    this.webwire.signalSession(connection.session!.key, 'session', body);
  }
}

@WebwireGateway({ codec: jsonCodec })
class JsonGateway extends Handlers {}
@WebwireGateway({ codec: backwards })
class BackwardsGateway extends Handlers {}
@WebwireGateway()
class DefaultGateway extends Handlers {}

const VALUES: unknown[] = [
  'text',
  '',
  '"quoted"',
  '{"a":1}',
  '5',
  'ї😀',
  null,
  0,
  -1.5,
  true,
  false,
  [],
  {},
  [null, 'a', [1]],
  { a: { b: null } },
];
const WAYS = ['one', 'all', 'gateway', 'group', 'session'];

describe.each<[string, new (...args: never[]) => object, PayloadCodec, WebwireModuleOptions]>([
  ['jsonCodec of the gateway', JsonGateway, jsonCodec, {}],
  ['jsonCodec of the module', DefaultGateway, jsonCodec, { codec: jsonCodec }],
  ['a codec of the gateway', BackwardsGateway, backwards, {}],
  ['a codec of the gateway before that of the module', BackwardsGateway, backwards, { codec: jsonCodec }],
  ['a codec of the module', DefaultGateway, backwards, { codec: backwards }],
])('%s on both sides', (_what, gateway, codec, options) => {
  it.each(['echo', 'later'])('carries each JSON value in requests and replies (%s)', async (name) => {
    const app = await start([gateway], options);
    const client = clientOf(app, codec);
    for (const value of VALUES) expect((await client.request(name, value)).body).toEqual(value);
  });

  it('carries each JSON value in signals of either side', async () => {
    const app = await start([gateway], options);
    const client = clientOf(app, codec);
    const noted: unknown[] = [];
    client.onSignal('noted', ({ body }) => void noted.push(body));
    for (const value of VALUES) await client.signal('note', value);
    await client.request('echo', 1);
    expect(app.get(gateway as never as typeof Handlers).bodies).toEqual(VALUES);
    expect(noted).toEqual(VALUES);
  });

  it('is in force for all signals of the server', async () => {
    const app = await start([gateway], options);
    const client = clientOf(app, codec);
    const bodies: Record<string, unknown> = {};
    client.onSignal(({ body }, name) => void (bodies[name] = body));
    await client.request('all ways', 'text');
    await client.request('echo', 1);
    expect(bodies).toEqual(Object.fromEntries(WAYS.map((name) => [name, 'text'])));
  });
});

describe('the default codec decodes a body as Payload.text() does:', () => {
  let isSame: boolean | undefined;
  @WebwireGateway()
  class TextGateway {
    @WebwireRequest('compare') compare(@MessageBody() body: unknown, @WebwireMessage() { payload }: Message) {
      isSame =
        payload.encoding === 'binary' ? Buffer.compare(body as Buffer, payload.bytes) === 0 : body === payload.text();
    }
  }

  it.each([
    ['valid text', '61c3a4e282acf09f9880'],
    ['a byte-order mark', 'efbbbf61'],
    ['two byte-order marks', 'efbbbfefbbbf'],
    ['a null character', '610062'],
    ['bytes that no character has', '61ff62fec0c161'],
    ['characters that are cut short', 'e282'],
    ['a cut character before another one', 'f09f98e282ac'],
    ['longer forms than necessary', 'c0afe080aff08080af'],
    ['a surrogate', 'eda08061'],
    ['a character beyond the last one', 'f4908080'],
    ['continuations alone', '80bf80'],
    ['nothing', ''],
  ])('%s', async (_name, hex) => {
    const app = await start([TextGateway]);
    const client = await app.connect();
    const bytes = Buffer.from(hex, 'hex');
    for (const encoding of ['utf8', 'binary', ...(bytes.length % 2 === 0 ? (['utf16'] as const) : [])] as const) {
      isSame = undefined;
      expect(await client.ask('compare', new Payload(encoding, bytes))).toBe('binary');
      expect(isSame).toBe(true);
    }
  });
});

describe('jsonCodec', () => {
  it('leaves bytes and payloads as they are, and undefined empty', async () => {
    const app = await start([JsonGateway]);
    const client = clientOf(app, jsonCodec);
    expect((await client.request('echo', Uint8Array.of(1, 2))).body).toEqual(Uint8Array.of(1, 2));
    expect((await client.request('echo', undefined)).body).toBe(undefined);
    const wire = await app.connect();
    expect(await wire.ask('echo', '"a"')).toBe('utf8 "a"');
    expect(await wire.ask('echo', 'null')).toBe('utf8 null');
    expect(await wire.ask('echo', Payload.binary(new Uint8Array([0, 255])))).toBe('binary 00ff');
    expect(await wire.ask('echo', '')).toBe('binary');
  });

  it('and plainCodec are the same for servers and clients', () => {
    expect([server.jsonCodec, server.plainCodec, server.Payload]).toEqual([
      clientSide.jsonCodec,
      clientSide.plainCodec,
      clientSide.Payload,
    ]);
    expect(server.jsonCodec).toBe(clientSide.jsonCodec);
  });
});

it('the codec of a handler is not that of signals', async () => {
  @WebwireGateway()
  class Gateway {
    @WebwireRequest('x', { codec: jsonCodec }) x(connection: WebwireConnection, body: string) {
      connection.signal('seen', body);
      return body;
    }
  }
  const app = await start([Gateway]);
  const wire = await app.connect();
  expect(await wire.ask('x', '"a"')).toBe('signal seen utf8 a');
  expect(show(await wire.next())).toBe('utf8 "a"');
});

it('plain handlers get binary bodies as Buffers', async () => {
  @WebwireGateway()
  class Gateway {
    @WebwireRequest('plain') plain(@MessageBody() body: unknown) {
      return String(Buffer.isBuffer(body));
    }
    @WebwireRequest('json', { codec: jsonCodec }) json(@MessageBody() body: unknown) {
      return Buffer.isBuffer(body);
    }
  }
  const app = await start([Gateway]);
  const wire = await app.connect();
  expect(await wire.ask('plain', Payload.binary(new Uint8Array(2)))).toBe('utf8 true');
  expect(await wire.ask('json', Payload.binary(new Uint8Array(2)))).toBe('utf8 true');
});

describe('gateways on one server', () => {
  @WebwireGateway({ codec: jsonCodec })
  class Naming {
    handleConnection(connection: WebwireConnection) {
      connection.signal('hello', 'a');
    }
  }
  @WebwireGateway()
  class Silent {}
  @WebwireGateway({ codec: backwards })
  class Other {}

  it('share the codec that one of them names', async () => {
    const app = await start([Silent, Naming]);
    expect(show(await (await app.connect()).next())).toBe('signal hello utf8 "a"');
  });

  it('have that of the module if they name several', async () => {
    const app = await start([Naming, Other, Silent]);
    expect(show(await (await app.connect()).next())).toBe('signal hello utf8 a');
  });
});

describe('servers with different codecs', () => {
  @WebwireGateway({ codec: jsonCodec })
  class Json {
    constructor(readonly webwire: WebwireService) {}
    handleConnection(connection: WebwireConnection) {
      this.webwire.join(connection, 'group');
    }
    @WebwireRequest('id') id(connection: WebwireConnection) {
      return connection.id;
    }
  }
  @WebwireGateway({ path: '/plain' })
  class Plain {
    constructor(readonly webwire: WebwireService) {}
    handleConnection(connection: WebwireConnection) {
      this.webwire.join(connection, 'group');
    }
    @WebwireRequest('id') id(connection: WebwireConnection) {
      return connection.id;
    }
  }

  /** A cluster of applications of this process. */
  class Joined implements Cluster {
    static readonly all = new Set<Joined>();
    #node: ClusterNode | undefined;
    readonly places = { take: async () => Promise.reject(new Error('not used')) } as never;
    async start(node: ClusterNode) {
      this.#node = node;
      Joined.all.add(this);
      return Promise.resolve();
    }
    async stop() {
      Joined.all.delete(this);
      return Promise.resolve();
    }
    publish(target: ClusterTarget, message: Uint8Array, except: readonly string[]) {
      const origin = '00'.repeat(16);
      const envelope = decodeEnvelope(encodeEnvelope({ origin, target, message, except }));
      if (!('message' in envelope)) return;
      for (const other of Joined.all) {
        if (other !== this) other.#node!.receive(envelope.target, envelope.message, new Set(envelope.except));
      }
    }
    join() {}
    leave() {}
    async synchronized() {
      return Promise.resolve();
    }
  }

  it.each<[string, (webwire: WebwireService) => number]>([
    ['broadcast', (webwire) => webwire.broadcast('news', 'a')],
    ['signalGroup', (webwire) => webwire.signalGroup('group', 'news', 'a')],
  ])('each encode a signal to all of them, on other nodes too: %s', async (_what, send) => {
    const nodes = [
      await start([Json, Plain], { cluster: new Joined(), sessions: false }),
      await start([Json, Plain], { cluster: new Joined(), sessions: false }),
    ];
    const [json, plain, farJson, farPlain] = [
      await nodes[0]!.connect(),
      await nodes[0]!.connect('/plain'),
      await nodes[1]!.connect(),
      await nodes[1]!.connect('/plain'),
    ];
    for (const client of [json, plain, farJson, farPlain]) await client.ask('id');
    expect(send(nodes[0]!.get(WebwireService))).toBe(2);
    const arrived = [await json.next(), await plain.next(), await farJson.next(), await farPlain.next()].map(show);
    expect(arrived).toEqual([
      'signal news utf8 "a"',
      'signal news utf8 a',
      'signal news utf8 "a"',
      'signal news utf8 a',
    ]);
    // Each client got it once.
    for (const client of [json, plain, farJson, farPlain]) expect(await client.ask('id')).toMatch(/^utf8/);
  });

  it('send a value to no server if one codec cannot encode it', async () => {
    const app = await start([Json, Plain], { sessions: false });
    const client = await app.connect();
    expect(() => app.get(WebwireService).broadcast('news', new Map())).toThrow(TypeError);
    expect(await client.ask('id')).toMatch(/^utf8/);
  });
});

describe('a codec that returns no Payload', () => {
  const CASES: [what: string, encoded: () => unknown, found: string][] = [
    ['a promise', async () => Promise.resolve(Payload.utf8('x')), 'a promise'],
    ['a rejected promise', async () => Promise.reject(new Error('x')), 'a promise'],
    ['a Buffer', () => Buffer.from('x'), 'a value of type Buffer'],
    ['text', () => 'x', 'a value of type string'],
    ['nothing', () => undefined, 'a value of type undefined'],
    ['null', () => null, 'null'],
    ['an unknown encoding', () => ({ encoding: 'latin1', bytes: new Uint8Array(1) }), 'a value of type Object'],
  ];
  const codec = { decode: () => 'x', encode: (): unknown => undefined };

  @WebwireGateway({ codec: codec as never })
  class Gateway {
    constructor(readonly webwire: WebwireService) {}
    @WebwireRequest('reply') reply() {
      return 'x';
    }
    @UsePipes({ transform: (value: unknown) => value })
    @UseFilters()
    @WebwireRequest('later')
    async later() {
      return Promise.resolve('x');
    }
    @WebwireRequest('signal') signal(connection: WebwireConnection) {
      try {
        connection.signal('x', 'x');
      } catch (error) {
        return Payload.utf8(String(error));
      }
      return Payload.utf8('sent');
    }
  }

  it.each(CASES)('is named, with the handler: %s', async (_what, encoded, found) => {
    codec.encode = encoded;
    const app = await start([Gateway]);
    const wire = await app.connect();
    for (const name of ['reply', 'later']) {
      expect(await wire.ask(name, 'x')).toBe('internal error');
      const line = await app.logger.logged('error', `Request "${name}" failed`);
      expect(line).toContain(
        `Gateway.${name} returned a value that cannot be sent: encode() of the codec returned ${found}`,
      );
    }
    expect(await wire.ask('signal', 'x')).toBe(
      `utf8 TypeError: encode() of the codec returned ${found}: it has to return a Payload, such as Payload.binary(bytes)`,
    );
    expect(() => app.get(WebwireService).broadcast('x', 'x')).toThrow(TypeError);
  });

  it('may return an object like one', async () => {
    codec.encode = () => ({ encoding: 'utf8', bytes: Buffer.from('like one') });
    const app = await start([Gateway]);
    expect(await (await app.connect()).ask('reply', 'x')).toBe('utf8 like one');
  });
});

describe('a body that cannot be decoded', () => {
  @WebwireGateway({
    codec: {
      ...backwards,
      decode: () => {
        throw new RangeError('unknown tag 0xc1\nin line 2');
      },
    },
  })
  class Gateway {
    @WebwireRequest('x') x() {
      return 'not called';
    }
    @WebwireRequest('json', { codec: jsonCodec }) json() {
      return 'not called';
    }
  }

  it('is refused, and the reason is logged at debug level', async () => {
    const app = await start([Gateway]);
    const wire = await app.connect();
    expect(await wire.ask('x', 'y')).toBe('error BAD_REQUEST: the body could not be decoded');
    expect(await app.logger.logged('debug', 'Gateway.x cannot decode')).toContain('"unknown tag 0xc1\\nin line 2"');
    expect(await wire.ask('json', '{')).toBe('error BAD_REQUEST: the body could not be decoded');
    expect(await app.logger.logged('debug', 'Gateway.json cannot decode')).toContain('the payload is not valid JSON');
    expect(app.logger.at('error')).toEqual([]);
  });
});

describe('a generator', () => {
  it('cannot be the handler of a request, and the error names the decorator for streams', () => {
    const declare = () => {
      class Table {
        @WebwireRequest('rows') async *rows() {
          yield await Promise.resolve('row');
        }
      }
      return Table;
    };
    expect(declare).toThrow(
      'Table.rows is an async generator, but the handler of a request returns one reply: use @WebwireStream()',
    );
    expect(() => {
      class Table {
        @WebwireRequest({ fallback: true }) *rows() {
          yield 'row';
        }
      }
      return Table;
    }).toThrow('Table.rows is a generator, but the handler of a request returns one reply');
  });

  it('cannot be the handler of a signal, as it would never run', () => {
    expect(() => {
      class Table {
        @WebwireSignal('rows') async *rows() {
          yield await Promise.resolve('row');
        }
      }
      return Table;
    }).toThrow('Table.rows is an async generator, which runs only while its items are read, but a signal has no reply');
  });
});

describe('a value that JSON cannot express', () => {
  @WebwireGateway()
  class Gateway {
    @WebwireRequest('generator') generator() {
      return this.rows();
    }
    @WebwireRequest('promises') async promises() {
      return Promise.resolve({ list: [Promise.resolve(1)] });
    }
    @WebwireRequest('json', { codec: jsonCodec }) json() {
      return { users: new Map() };
    }
    @WebwireRequest('circles') circles() {
      const list: unknown[] = [];
      for (let count = 0; count < 100; count++) list.push(list, { list });
      return { list };
    }
    @WebwireRequest('rejections') rejections() {
      return { list: [Promise.reject(new Error('one')), Promise.reject(new Error('two'))] };
    }
    @WebwireRequest('signal') signal(connection: WebwireConnection) {
      try {
        connection.signal('x', { users: new Set() });
      } catch (error) {
        return String(error);
      }
      return 'sent';
    }
    async *rows() {
      yield 'row';
    }
    @WebwireRequest('session') async session(connection: WebwireConnection) {
      return connection.createSession({ users: [new Map()] }).then(() => 'created', String);
    }
  }

  it('is an internal error, and the log names handler, type and place', async () => {
    const app = await start([Gateway]);
    const wire = await app.connect();
    const expected = {
      generator:
        'Gateway.generator returned a value that cannot be sent: JSON cannot express a value of type AsyncGenerator ' +
        '(@WebwireStream() sends each item of an AsyncIterable)',
      promises:
        'Gateway.promises returned a value that cannot be sent: JSON cannot express a value of type Promise (at .list[0])',
      circles: 'Gateway.circles returned a value that cannot be sent: Converting circular structure to JSON',
      rejections:
        'Gateway.rejections returned a value that cannot be sent: JSON cannot express a value of type Promise (at .list[0])',
      json: 'Gateway.json returned a value that cannot be sent: JSON cannot express a value of type Map (at .users)',
    };
    for (const [name, line] of Object.entries(expected)) {
      expect(await wire.ask(name)).toBe('internal error');
      expect(await app.logger.logged('error', `Request "${name}" failed`)).toContain(line);
    }
  });

  it('is a TypeError in a signal, and a SessionError in a session', async () => {
    const app = await start([Gateway]);
    const wire = await app.connect();
    expect(await wire.ask('signal')).toBe('utf8 TypeError: JSON cannot express a value of type Set (at .users)');
    expect(await wire.ask('session')).toContain('session info.users[0] is');
    const client = clientOf(app, jsonCodec);
    await expect(client.request('json', { users: new Map() })).rejects.toThrow(
      'JSON cannot express a value of type Map (at .users)',
    );
  });
});
