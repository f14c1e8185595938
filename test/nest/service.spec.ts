import { Injectable, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WsAdapter } from '@nestjs/platform-ws';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  BufferOverflowError,
  ProtocolError,
  WebwireAdapter,
  WebwireConnection,
  WebwireGateway,
  WebwireModule,
  WebwireRequest,
  WebwireService,
  type WebwireModuleOptions,
} from 'nestjs-webwire';
import { afterEach, describe, expect, it } from 'vitest';
import { deferred } from '../support/deferred.js';
import { TestApp } from '../support/test-app.js';
import { describe as show, type WireClient } from '../support/wire-client.js';

@WebwireGateway()
class Main {
  readonly work = deferred();
  readonly started = deferred<WebwireConnection>();
  readonly left = deferred();

  constructor(readonly service: WebwireService) {}

  @WebwireRequest('whoami') whoami(@ConnectedSocket() connection: WebwireConnection) {
    return connection.id;
  }
  @WebwireRequest('slow') async slow(@ConnectedSocket() connection: WebwireConnection) {
    this.started.resolve(connection);
    await this.work.promise;
  }
  @WebwireRequest('join') join(@ConnectedSocket() connection: WebwireConnection, @MessageBody() group: string) {
    this.service.join(connection, group);
  }
  @WebwireRequest('say') say(@ConnectedSocket() connection: WebwireConnection, @MessageBody() text: string) {
    return String(this.service.signalGroup('room', 'said', text, { except: connection }));
  }

  handleDisconnect(connection: WebwireConnection) {
    this.service.signalGroup('room', 'left', 'somebody');
    this.service.join(connection, 'room');
    this.left.resolve();
  }
}

@WebwireGateway({ path: '/small', messageBufferSize: 32 })
class Small {
  @WebwireRequest('whoami') whoami(@ConnectedSocket() connection: WebwireConnection) {
    return connection.id.slice(0, 8);
  }
}

let app: TestApp;
let service: WebwireService;

async function start(metadata: ModuleMetadata = { providers: [Main, Small] }, options: WebwireModuleOptions = {}) {
  app = await TestApp.start(metadata, options);
  service = app.get(WebwireService);
}

afterEach(() => app.close());

/** Connects a client. Returns both sides of the connection. */
async function connect(path = '/'): Promise<[WireClient, WebwireConnection]> {
  const before = new Set(service.connections);
  const client = await app.connect(path);
  const connection = [...service.connections].find((each) => !before.has(each));
  return [client, connection!];
}

describe('the connections of an application', () => {
  it('are those of all its servers', async () => {
    await start();
    const { connections } = service;
    expect([service.connectionCount, [...connections]]).toEqual([0, []]);
    const [client, first] = await connect();
    const [, second] = await connect('/small');
    expect([service.connectionCount, new Set(connections)]).toEqual([2, new Set([first, second])]);
    expect([...connections]).toHaveLength(2);
    await client.close();
    await app.get(Main).left.promise;
    expect([service.connectionCount, [...connections]]).toEqual([1, [second]]);
  });

  it('are none before there are servers', async () => {
    const early: unknown[] = [];
    @Injectable()
    class Early {
      constructor(webwire: WebwireService) {
        early.push(webwire.connectionCount, [...webwire.connections], webwire.broadcast('x', 'y'));
        early.push(webwire.signalGroup('room', 'x', 'y'));
        expect(() => webwire.broadcast('')).toThrow(ProtocolError);
      }
    }
    await start({ providers: [Early, Main] });
    expect(early).toEqual([0, [], 0, 0]);
  });

  it('are none where nothing listens', async () => {
    await start();
    const context = await NestFactory.createApplicationContext(
      { module: class {}, imports: [WebwireModule.forRoot()], providers: [Main] },
      { logger: false },
    );
    expect(context.get(WebwireService).broadcast('x', 'y')).toBe(0);
    await context.close();
  });

  it('are found with an adapter that was installed by hand', async () => {
    app = await TestApp.startWithout({ imports: [WebwireModule.forRoot()], providers: [Main] }, (nest) =>
      nest.useWebSocketAdapter(new WebwireAdapter(nest, { messageBufferSize: 64 })),
    );
    service = app.get(WebwireService);
    const [client, connection] = await connect();
    service.join(connection, 'room');
    expect([service.broadcast('x', 'y'), service.signalGroup('room', 'x', 'z')]).toEqual([1, 1]);
    expect([show(await client.next()), show(await client.next())]).toEqual(['signal x utf8 y', 'signal x utf8 z']);
    expect(() => service.broadcast('x', 'y'.repeat(64))).toThrow(BufferOverflowError);
    await client.close();
    await app.get(Main).left.promise;
    expect([service.connectionCount, service.signalGroup('room', 'x', 'y')]).toEqual([0, 0]);
  });

  it("are none with another's adapter", async () => {
    @WebSocketGateway()
    class Plain {
      @SubscribeMessage('x') x() {}
    }
    app = await TestApp.startWithout({ imports: [WebwireModule.forRoot()], providers: [Plain] }, (nest) =>
      nest.useWebSocketAdapter(new WsAdapter(nest)),
    );
    expect(app.get(WebwireService).broadcast('x', 'y')).toBe(0);
  });
});

describe('a broadcast', () => {
  it('reaches the connections of all servers', async () => {
    await start();
    const [[first], [second], [small]] = [await connect(), await connect(), await connect('/small')];
    expect(service.broadcast('news', { a: 1 })).toBe(3);
    for (const client of [first, second, small]) expect(show(await client.next())).toBe('signal news utf8 {"a":1}');
  });

  it('reaches those of one gateway, those of none, and not those it excepts', async () => {
    await start();
    const [[first, one], [second, two], [small]] = [await connect(), await connect(), await connect('/small')];
    expect(service.broadcast('a', '1', { gateway: Small })).toBe(1);
    expect(service.broadcast('b', '2', { except: one })).toBe(2);
    expect(service.broadcast('c', '3', { except: new Set([one, two]).values() })).toBe(1);
    expect(service.broadcast('d', '4', { gateway: Main, except: [two] })).toBe(1);
    expect(service.broadcast('e', '5', { gateway: Main, except: service.connections })).toBe(0);
    expect(service.broadcast('f', '6', { except: undefined, gateway: undefined })).toBe(3);
    expect([show(await first.next()), show(await first.next())]).toEqual(['signal d utf8 4', 'signal f utf8 6']);
    expect([show(await second.next()), show(await second.next())]).toEqual(['signal b utf8 2', 'signal f utf8 6']);
    const received = [];
    for (const _ of 'abcf') received.push(show(await small.next()));
    expect(received).toEqual(['signal a utf8 1', 'signal b utf8 2', 'signal c utf8 3', 'signal f utf8 6']);
  });

  it('is encoded once', async () => {
    await start();
    for (let count = 0; count < 3; count++) service.join((await connect())[1], 'room');
    let encoded = 0;
    const body = { toJSON: () => ++encoded };
    expect(service.broadcast('x', body)).toBe(3);
    expect(encoded).toBe(1);
    expect(service.signalGroup('room', 'x', body)).toBe(3);
    expect(encoded).toBe(2);
  });

  it('that is too large for one receiver is not sent', async () => {
    await start();
    const [[main], [, small]] = [await connect(), await connect('/small')];
    const body = 'y'.repeat(32);
    expect(() => service.broadcast('x', body)).toThrow(BufferOverflowError);
    expect(service.broadcast('only', body, { except: small })).toBe(1);
    expect(service.broadcast('main', body, { gateway: Main })).toBe(1);
    expect(show(await main.next())).toBe(`signal only utf8 ${body}`);
    expect(show(await main.next())).toBe(`signal main utf8 ${body}`);
  });

  it('is checked even without receivers', async () => {
    await start();
    expect(service.broadcast('x', 'y'.repeat(100_000))).toBe(0);
    expect(() => service.broadcast('')).toThrow(ProtocolError);
    expect(() => service.broadcast('ї', 'y')).toThrow(ProtocolError);
    expect(() => service.broadcast('x', Promise.resolve())).toThrow(TypeError);
    expect(() => service.signalGroup('room', '')).toThrow(ProtocolError);
    expect(() => service.signalSession('key', '')).toThrow(ProtocolError);
  });

  it.each<[string, unknown, string]>([
    ['an unknown gateway', { gateway: WebwireService }, 'no gateway WebwireService; there are: Main, Small'],
    ['the name of a gateway', { gateway: 'Main' }, "broadcast.gateway is 'Main', but must be the class of a gateway"],
    ['an id', { except: 'id' }, "broadcast.except is 'id', but must be a WebwireConnection, or an iterable of them"],
    ['null', { except: null }, 'broadcast.except is null, but must be'],
    ['ids', { except: ['id'] }, "broadcast.except is 'id', but must be an iterable of WebwireConnections"],
    ['a typo', { exept: [] }, 'no option broadcast.exept; there are: except, gateway'],
  ])('does not take %s', async (_what, options, message) => {
    await start();
    expect(() => service.broadcast('x', 'y', options as object)).toThrow(message);
  });
});

describe('a group', () => {
  it('gets the signals to it', async () => {
    await start();
    const [[ada, first], [bob, second]] = [await connect(), await connect('/small'), await connect()];
    for (const connection of [first, second, first]) service.join(connection, 'room');
    expect(service.signalGroup('room', 'hello', 'all')).toBe(2);
    expect([show(await ada.next()), show(await bob.next())]).toEqual(Array(2).fill('signal hello utf8 all'));
    expect(service.signalGroup('room', 'hello', 'others', { except: first })).toBe(1);
    expect(show(await bob.next())).toBe('signal hello utf8 others');
    service.leave(first, 'room');
    expect(service.signalGroup('room', 'hello', 'bob')).toBe(1);
    expect(service.signalGroup('nobody', 'hello', 'x')).toBe(0);
    expect(() => service.signalGroup('room', 'x', 'y'.repeat(32))).toThrow(BufferOverflowError);
    expect(() => service.signalGroup('room', 'x', 'y', { gateway: Main } as object)).toThrow(
      'no option signalGroup.gateway; there are: except',
    );
    expect(() => service.join(first, 5 as never)).toThrow('group is 5, but must be a string');
  });

  it('gets signals of handlers in the order in which they were sent', async () => {
    await start();
    const [[ada], [bob]] = [await connect(), await connect()];
    for (const client of [ada, bob]) expect(await client.ask('join', 'room')).toBe('binary');
    expect(await ada.ask('say', 'one')).toBe('utf8 1');
    expect(await ada.ask('say', 'two')).toBe('utf8 1');
    expect([show(await bob.next()), show(await bob.next())]).toEqual(['signal said utf8 one', 'signal said utf8 two']);
  });

  it('is left by a connection that ends, before handleDisconnect', async () => {
    await start();
    const [[ada, first], [bob]] = [await connect(), await connect()];
    for (const connection of service.connections) service.join(connection, 'room');
    await ada.close();
    await app.get(Main).left.promise;
    expect(show(await bob.next())).toBe('signal left utf8 somebody');
    expect(service.signalGroup('room', 'x', 'y')).toBe(1);
    service.join(first, 'another');
    expect(service.signalGroup('another', 'x', 'y')).toBe(0);
  });
});

describe('connections that are about to close', () => {
  it('get signals until they are closed, and may join groups', async () => {
    await start();
    const [client] = await connect();
    client.send('slow');
    const connection = await app.get(Main).started.promise;
    await connection.close();
    expect(connection.isActive).toBe(false);
    service.join(connection, 'room');
    expect([service.broadcast('last', 'words'), service.signalGroup('room', 'last', 'words')]).toEqual([1, 1]);
    app.get(Main).work.resolve();
    for (const _ of 'ab') expect(show(await client.next())).toBe('signal last utf8 words');
    expect(show(await client.next())).toBe('binary');
    expect(await client.closed).toMatchObject({ code: 1000 });
  });

  it('do so during a shutdown too', async () => {
    await start();
    const [[busy], [idle, other]] = [await connect(), await connect()];
    busy.send('slow');
    await app.get(Main).started.promise;
    const closed = app.app.close();
    expect(await idle.ask('whoami')).toBe('shutdown');
    service.join(other, 'room');
    expect([service.broadcast('bye', 'all'), service.signalGroup('room', 'bye', 'room')]).toEqual([2, 1]);
    app.get(Main).work.resolve();
    await closed;
    expect([show(await idle.next()), show(await idle.next())]).toEqual(['signal bye utf8 all', 'signal bye utf8 room']);
    expect([show(await busy.next()), show(await busy.next())]).toEqual(['signal bye utf8 all', 'binary']);
    expect([service.connectionCount, service.broadcast('x', 'y'), service.signalGroup('room', 'x', 'y')]).toEqual([
      0, 0, 0,
    ]);
  });
});
