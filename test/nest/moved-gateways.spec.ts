import { Catch, UseFilters, type ArgumentsHost } from '@nestjs/common';
import {
  BaseWsExceptionFilter,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
} from '@nestjs/websockets';
import { WebwireConnection, WebwireService, type WebwireServer } from 'nestjs-webwire';
import { once } from 'node:events';
import { inspect, isDeepStrictEqual } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { refusal } from '../support/refusal.js';
import { TestApp } from '../support/test-app.js';
import { WireClient } from '../support/wire-client.js';

// eslint-disable-next-line typescript/no-explicit-any -- gateways of other libraries are typed by them
type Foreign = any;

let app: TestApp | undefined;

async function start(...args: Parameters<typeof TestApp.start>): Promise<TestApp> {
  app = await TestApp.start(...args);
  return app;
}

afterEach(async () => {
  await app?.close();
  app = undefined;
});

/** A plain gateway whose decorator has options of another adapter. */
function gatewayWith(options: object, port = 0) {
  @WebSocketGateway(port, options)
  class Payroll {
    @WebSocketServer() server!: WebwireServer;
    @SubscribeMessage('echo') echo(_client: unknown, body: string) {
      return body;
    }
  }
  return Payroll;
}

describe('an option of another adapter that protects', () => {
  const refused: [string, object, string][] = [
    [
      'verifyClient',
      { verifyClient: () => false },
      'Payroll.verifyClient is [Function: verifyClient], but must be absent',
    ],
    [
      'verifyClient',
      { verifyClient: (_info: unknown, next: Function) => next(false) },
      'use guards in @UseHandshakeGuards()',
    ],
    ['allowRequest', { allowRequest: () => undefined }, 'Payroll.allowRequest'],
    ['handleProtocols', { handleProtocols: () => false }, 'use the option webSocketProtocols instead'],
    ['namespace', { namespace: 'chat' }, 'WebWire has no namespaces, use the option path'],
    ['namespace', { namespace: /^\/chat/ }, 'use the option path'],
    [
      'host',
      { host: '127.0.0.1' },
      "Payroll.host is '127.0.0.1', but must be absent: a port of a gateway's own listens on all",
    ],
    ['server', { server: {} }, 'Payroll.server is {}, but must be absent'],
    ['noServer', { noServer: true }, 'Payroll.noServer'],
    ['adapter', { adapter: () => undefined }, 'use the option cluster of WebwireModule'],
    ['parser', { parser: {} }, 'use the option codec'],
    ['connectionStateRecovery', { connectionStateRecovery: {} }, 'use sessions instead'],
    ['cors', { cors: false }, 'the option origins lists the web pages that may connect'],
    ['cors', { cors: () => undefined }, 'Payroll.cors is [Function: cors], but must be true or an object with origin'],
    ['cors.origin', { cors: { origin: false } }, 'Payroll.cors.origin is false, but must be an origin such as'],
    ['cors.origin', { cors: { origin: () => true } }, 'for a function use the option origins'],
    ['cors.origin', { cors: { origin: 'example.com' } }, "Payroll.cors.origin is 'example.com', but must be"],
    ['cors.origin', { cors: { origin: ['https://a.example', '*'] } }, 'Payroll.cors.origin is'],
    ['maxPayload', { maxPayload: 0 }, 'Payroll.maxPayload is 0, but must be an integer from 32 to'],
    ['maxHttpBufferSize', { maxHttpBufferSize: Infinity }, 'Payroll.maxHttpBufferSize is Infinity, but must be'],
    ['a typo', { verifyCleint: () => false }, 'has no option Payroll.verifyCleint; there are: '],
    ['of a third adapter', { idleTimeout: 5 }, 'has no option Payroll.idleTimeout'],
  ];
  it.each(refused)('fails the start with its replacement: %s', async (_name, options, message) => {
    const starting = start({ providers: [gatewayWith(options)] });
    await expect(starting).rejects.toThrow(message);
    await expect(starting).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it.each<[string, unknown, string[], string[]]>([
    ['a string', 'https://a.example', ['https://a.example'], ['https://b.example']],
    ['a RegExp', /\.a\.example$/, ['https://x.a.example'], ['https://a.example.evil']],
    ['a list', ['https://a.example', /b/], ['https://a.example', 'https://b.example'], ['https://c.example']],
    ['an empty list', [], [], ['https://a.example']],
  ])('is kept: cors with %s as its origin is the option origins', async (_kind, origin, allowed, others) => {
    await start({ providers: [gatewayWith({ cors: { origin, credentials: true } })] });
    const connect = (from: string) => WireClient.connect(app!.url(), { origin: from });
    for (const one of allowed) expect(await (await connect(one)).close()).toMatchObject({ code: 1000 });
    for (const one of others) expect(await refusal(app!.url(), { origin: one })).toBe('403 origin not allowed');
  });

  it.each(['maxPayload', 'maxHttpBufferSize'])('is kept: %s is the option messageBufferSize', async (name) => {
    const Gateway = gatewayWith({ [name]: 100 });
    const { port } = await start({ providers: [Gateway] });
    expect(app!.get(Gateway).server.options.messageBufferSize).toBe(100);
    const client = await app!.connect('/', port);
    expect(await client.ask('echo', 'x'.repeat(80))).toBe(`utf8 ${'x'.repeat(80)}`);
    client.send('echo', 'x'.repeat(100));
    expect(await client.closed).toMatchObject({ code: 1009 });
  });

  it('gives way to the option of WebWire', async () => {
    const Gateway = gatewayWith({
      maxPayload: 100,
      messageBufferSize: 200,
      cors: { origin: 'https://a.example' },
      origins: 'https://b.example',
    });
    await start({ providers: [Gateway] });
    expect(app!.get(Gateway).server.options).toMatchObject({ messageBufferSize: 200, origins: 'https://b.example' });
  });
});

describe('an option of another adapter that can be ignored', () => {
  it('is ignored, and named in one line with its replacement', async () => {
    const options = { pingInterval: 5, transports: ['websocket'], perMessageDeflate: true, clientTracking: true };
    await start({ providers: [gatewayWith(options)] });
    expect(app!.logger.at('warn')).toEqual([
      'Payroll has options of another WebSocket adapter, which are ignored: pingInterval (WebWire has readTimeout), ' +
        'transports, perMessageDeflate (WebWire has transport: new WsTransport({ perMessageDeflate })), ' +
        'clientTracking (WebWire has server.connections) Webwire',
    ]);
  });

  it.each<object>([
    { cors: true },
    { cors: { origin: '*' } },
    { cors: { origin: true, credentials: true } },
    { cors: {} },
    { perMessageDeflate: false, verifyClient: undefined, allowRequest: null, noServer: false },
    { namespace: '/' },
    { namespace: '' },
  ])('and says what WebWire does anyway is not mentioned: %j', async (options) => {
    await start({ providers: [gatewayWith(options)] });
    expect(app!.logger.at('warn')).toEqual([]);
    expect(await (await app!.connect()).ask('echo', 'x')).toBe('utf8 x');
  });
});

describe('a gateway that was written for socket.io or ws', () => {
  @WebSocketGateway()
  class Moved {
    @WebSocketServer() server!: Foreign;
    client!: Foreign;
    constructor(readonly webwire: WebwireService) {}
    handleConnection(client: WebwireConnection) {
      this.client = client;
    }
    @SubscribeMessage('emit') emit() {
      this.server.emit('news', 'x');
    }
  }

  let gateway: Moved;
  let client: WireClient;

  beforeEach(async () => {
    await start({ providers: [Moved] });
    client = await app!.connect();
    gateway = app!.get(Moved);
    await client.ask('nobody');
  });

  const calls: [string, (moved: Moved) => unknown, string][] = [
    ['server.emit()', ({ server }) => server.emit('news', 'x'), 'webwire.broadcast('],
    ['server.emit() of its own event', ({ server }) => server.emit('connection', {}), 'webwire.broadcast('],
    ['server.to()', ({ server }) => server.to('room').emit('x'), 'webwire.signalGroup('],
    ['server.in()', ({ server }) => server.in('room'), 'webwire.signalGroup('],
    ['server.of()', ({ server }) => server.of('/x'), 'the option path'],
    ['server.use()', ({ server }) => server.use(() => undefined), '@UseHandshakeGuards()'],
    ['server.send()', ({ server }) => server.send('x'), 'webwire.broadcast('],
    ['server.close()', ({ server }) => server.close(), 'server.shutdown()'],
    ['server.fetchSockets()', ({ server }) => server.fetchSockets(), 'server.connections'],
    ['server.clients', ({ server }) => server.clients.forEach(() => undefined), 'server.connections'],
    ['server.clients', ({ server }) => [...server.clients], 'server.connections'],
    ['server.clients', ({ server }) => server.clients.size, 'server.connections'],
    ['server.sockets', ({ server }) => server.sockets.emit('x'), 'webwire.broadcast('],
    ['server.sockets', ({ server }) => server.sockets.adapter.rooms, 'server.connections'],
    ['event connect', ({ server }) => server.on('connect', () => undefined), 'handleConnection('],
    ['event disconnect', ({ server }) => server.once('disconnect', () => undefined), 'handleDisconnect('],
    ['connection.emit()', ({ client: socket }) => socket.emit('news', 'x'), 'connection.signal('],
    ['connection.send()', ({ client: socket }) => socket.send('x'), 'connection.signal('],
    ['connection.join()', ({ client: socket }) => socket.join('room'), 'webwire.join('],
    ['connection.leave()', ({ client: socket }) => socket.leave('room'), 'webwire.leave('],
    ['connection.to()', ({ client: socket }) => socket.to('room').emit('x'), 'webwire.signalGroup('],
    ['connection.on()', ({ client: socket }) => socket.on('x', () => undefined), '@WebwireSignal(name)'],
    ['connection.once()', ({ client: socket }) => socket.once('disconnect', () => undefined), 'handleDisconnect('],
    ['connection.disconnect()', ({ client: socket }) => socket.disconnect(true), 'await connection.close()'],
    ['connection.broadcast', ({ client: socket }) => socket.broadcast.emit('x'), '{ except: connection }'],
    ['connection.handshake', ({ client: socket }) => socket.handshake.query, 'connection.request'],
    ['connection.handshake', ({ client: socket }) => socket.handshake.auth.token, 'connection.request'],
    ['connection.handshake', ({ client: socket }) => (socket.handshake.headers = {}), 'connection.request'],
    ['connection.upgradeReq', ({ client: socket }) => socket.upgradeReq.socket, 'connection.request'],
    ['connection.data', ({ client: socket }) => (socket.data.user = 'x'), 'connection.info'],
    ['connection.data', ({ client: socket }) => socket.data.user, 'connection.info'],
    ['connection.data', ({ client: { data } }) => Object.defineProperty(data, 'x', { value: 1 }), 'connection.info'],
    ['connection.data', ({ client: { data } }) => Reflect.deleteProperty(data, 'x'), 'connection.info'],
    ['connection.rooms', ({ client: socket }) => socket.rooms.has('x'), 'groups of the WebwireService'],
    ['connection.rooms', ({ client: socket }) => [...socket.rooms], 'groups of the WebwireService'],
    ['connection.nsp', ({ client: socket }) => socket.nsp.name, 'the option path'],
    [
      'connection.onmessage',
      ({ client: socket }) => Object.assign(socket, { onmessage: () => undefined }),
      '@WebwireSignal(name)',
    ],
  ];
  it.each(calls)('gets an error that names the replacement of %s', (member, call, instead) => {
    expect(() => call(gateway)).toThrow(TypeError);
    expect(() => call(gateway)).toThrow(`WebWire has no ${member.replace(' of its own event', '')}`);
    expect(() => call(gateway)).toThrow(instead);
  });

  it.each(['handshake', 'upgradeReq'])('reads the headers and the URL of the upgrade in connection.%s', (name) => {
    const { client: connection } = gateway;
    expect(connection[name].headers).toBe(connection.request.headers);
    expect(connection[name].url).toBe('/');
    expect(`${JSON.stringify(connection[name])} ${inspect(connection[name])}`).not.toContain('websocket');
  });

  it('has the error in the log, and its client an internal error', async () => {
    expect(await client.ask('emit')).toBe('internal error');
    expect(await app!.logger.logged('error', 'Request "emit" failed')).toContain('use webwire.broadcast(');
  });

  it('can be inspected, compared and turned into JSON as if these members were not there', () => {
    const { client: connection, server } = gateway;
    expect(JSON.stringify({ connection })).toBe(JSON.stringify({ connection: { id: connection.id } }));
    expect(inspect(connection)).not.toContain('handshake');
    expect(inspect(server, { showHidden: true, getters: true })).toContain('WebwireServer');
    expect(isDeepStrictEqual(connection, connection)).toBe(true);
    for (const object of [connection, server]) {
      const names: string[] = [];
      for (const name in object) names.push(name);
      expect(names.filter((name) => ['emit', 'handshake', 'clients', 'onmessage'].includes(name))).toEqual([]);
      expect(() => ({ ...object })).not.toThrow();
    }
    expect(JSON.stringify(connection.handshake)).toBe('{}');
    // Node.js 26 shows that an object is a proxy.
    const empty = inspect(new Proxy({}, {}));
    expect(`${inspect(connection.data)} ${inspect(server.clients)}`).toBe(`${empty} ${empty}`);
    expect(connection.onmessage).toBeUndefined();
    expect(connection.then).toBeUndefined();
  });

  it('may keep properties of these names on a connection', () => {
    const { client: connection } = gateway;
    connection.data = { user: 'Ada' };
    connection.handshake = 'mine';
    expect([connection.data.user, connection.handshake]).toEqual(['Ada', 'mine']);
    expect(Object.keys(connection)).toEqual(expect.arrayContaining(['data', 'handshake']));
  });

  it('still receives the events of the server, and those of Node.js about listeners', async () => {
    const { server } = gateway as { server: WebwireServer };
    const added: unknown[] = [];
    server.on('newListener' as never, ((name: string) => added.push(name)) as never);
    const connected = once(server, 'connection');
    const other = await app!.connect();
    const [{ connection }] = (await connected) as [{ connection: WebwireConnection }];
    expect(connection).toBeInstanceOf(WebwireConnection);
    expect(added).toContain('connection');
    await other.close();
  });
});

it("a filter that extends Nest's base filter does not fail on the connection", async () => {
  @Catch()
  class Filter extends BaseWsExceptionFilter {
    override catch(exception: unknown, host: ArgumentsHost) {
      // eslint-disable-next-line promise/valid-params -- a filter is no promise
      super.catch(exception, host);
    }
  }
  @UseFilters(new Filter())
  @WebSocketGateway()
  class Gateway {
    @SubscribeMessage('x') x() {
      throw new WsException('not now');
    }
  }
  await start({ providers: [Gateway] });
  expect(await (await app!.connect()).ask('x')).toBe('error ERROR: not now');
});
