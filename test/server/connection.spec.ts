import { MessageBody, WebSocketServer } from '@nestjs/websockets';
import {
  BufferOverflowError,
  Payload,
  ProtocolError,
  WebwireConnection,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireSignal,
  type DisconnectReason,
  type Message,
  type WebwireServer,
} from 'nestjs-webwire';
import { of } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deferred, type Deferred } from '../support/deferred.js';
import { TestApp } from '../support/test-app.js';
import { WireClient, describe as show } from '../support/wire-client.js';

@WebwireGateway()
class Gateway {
  @WebSocketServer() server!: WebwireServer;
  readonly connections: WebwireConnection[] = [];
  readonly disconnected: [WebwireConnection, DisconnectReason][] = [];
  readonly left: Deferred<DisconnectReason> = deferred();
  /** Tests resolve it; `slow` requests wait for it. */
  readonly work: Deferred<string> = deferred();
  readonly started: Deferred<Message> = deferred();

  handleConnection(connection: WebwireConnection) {
    this.connections.push(connection);
    connection.signal('welcome', 'you');
  }
  handleDisconnect(connection: WebwireConnection, reason: DisconnectReason) {
    this.disconnected.push([connection, reason]);
    this.left.resolve(reason);
  }

  @WebwireRequest('echo') echo(@WebwireMessage() message: Message) {
    return message.payload;
  }
  @WebwireRequest('slow') slow(@WebwireMessage() message: Message) {
    this.started.resolve(message);
    return this.work.promise;
  }
  @WebwireSignal('slow') async slowSignal(connection: WebwireConnection, body: string) {
    connection.signal('slow', `${body} ${await this.work.promise}`);
  }
  @WebwireSignal('crash') crash(@MessageBody() body: string) {
    throw new Error(`crashed ${body}`);
  }
  @WebwireRequest('signals first') async signalsFirst(connection: WebwireConnection) {
    connection.signal('one');
    await this.work.promise;
    connection.signal('two', { json: true });
    connection.signal('three', Payload.utf16('ї'));
    connection.signal('', new Uint8Array([1]));
    return 'done';
  }
}

let app: TestApp;
let gateway: Gateway;
let client: WireClient;

beforeEach(async () => {
  app = await TestApp.start({ providers: [Gateway] });
  gateway = app.get(Gateway);
  client = await app.connect('/?token=1');
  await client.next();
});
afterEach(async () => {
  gateway.work.resolve('');
  await app.close();
});

describe('a connection', () => {
  it('has the address and the request of its client', () => {
    const [connection] = gateway.connections;
    expect(connection).toBeInstanceOf(WebwireConnection);
    expect(connection!.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(connection!.isActive).toBe(true);
    expect(connection!.remoteAddress).toBe('127.0.0.1');
    expect(Math.abs(Date.now() - connection!.createdAt.getTime())).toBeLessThan(60_000);
    expect(connection!.request).toMatchObject({ url: '/?token=1', headers: { upgrade: 'websocket' } });
    expect(connection!.info).toEqual({});
    expect([...gateway.server.connections]).toEqual([connection]);
    expect(Object.isExtensible(connection)).toBe(true);
    expect(connection).not.toHaveProperty('readyState');
  });

  it('gets AcceptConf before anything else, exactly once', async () => {
    const second = await WireClient.connect(app.url(), { keepAcceptConf: true });
    expect((await second.nextBytes()).toString('hex')).toBe('17020060ea000000200000');
    expect(show(await second.next())).toBe('signal welcome utf8 you');
    await second.close();
  });

  it('sends signals in order, before the reply of their handler', async () => {
    client.send('signals first');
    expect(show(await client.next())).toBe('signal one binary ');
    gateway.work.resolve('');
    expect(show(await client.next())).toBe('signal two utf8 {"json":true}');
    expect(show(await client.next())).toBe('signal three utf16 ї');
    expect(show(await client.next())).toBe('signal  binary 01');
    expect(show(await client.next())).toBe('utf8 done');
  });

  it('handles messages concurrently and answers each by its identifier', async () => {
    client.sendBytes('7fffffffffffffffff04736c6f77');
    client.sendBytes('7fffffffffffffffff04736c6f77');
    expect(await client.ask('echo', 'fast')).toBe('utf8 fast');
    gateway.work.resolve('done');
    expect((await client.nextBytes()).toString('hex')).toBe('c0ffffffffffffffff646f6e65');
    expect((await client.nextBytes()).toString('hex')).toBe('c0ffffffffffffffff646f6e65');
  });

  it('logs a failing signal handler and stays open', async () => {
    client.signal('crash', 'now');
    expect(await client.ask('echo', 'x')).toBe('utf8 x');
    expect(await app.logger.logged('error', 'crashed now')).toContain('Signal "crash" failed');
  });

  it('drops messages that only servers send', async () => {
    client.sendBytes('21');
    client.sendBytes('16');
    client.sendBytes('bf0100000000000000');
    expect(await client.ask('echo', 'x')).toBe('utf8 x');
  });

  it('closes for the application when running handlers have replied', async () => {
    client.send('slow');
    await gateway.started.promise;
    const [connection] = gateway.connections;
    // A handler may wait for it.
    await connection!.close();
    await connection!.close();
    expect(connection!.isActive).toBe(false);
    client.send('echo', 'not received any more');
    expect(connection!.signal('still', 'open')).toBe(true);
    gateway.work.resolve('done');
    expect(show(await client.next())).toBe('signal still utf8 open');
    expect(show(await client.next())).toBe('utf8 done');
    expect(await client.closed).toEqual({ code: 1000, reason: '' });
    expect(await gateway.left.promise).toBe('server-close');
  });

  it('closes for the application, which can wait for it', async () => {
    const [connection] = gateway.connections;
    await Promise.all([connection!.close(), connection!.close()]);
    expect(gateway.server.connections.size).toBe(0);
    expect(connection!.signal('too', 'late')).toBe(false);
    await connection!.close();
    expect(await client.closed).toEqual({ code: 1000, reason: '' });
  });

  it('returns false for signals that are dropped while it closes', async () => {
    const [connection] = gateway.connections;
    const closed = connection!.close();
    expect(connection!.signal('after', 'the close frame')).toBe(false);
    await closed;
  });

  it('throws for a signal that does not fit the client, and does not send it', async () => {
    const [connection] = gateway.connections;
    const fits = 'x'.repeat(8192 - 2 - 'big'.length);
    expect(() => connection!.signal('big', `${fits}x`)).toThrow(BufferOverflowError);
    expect(() => connection!.signal('big', `${fits}x`)).toThrow('a message of 8193 bytes does not fit');
    expect(connection!.signal('big', fits)).toBe(true);
    expect(await client.nextBytes()).toHaveLength(8192);
  });

  it.each([
    ['ü', 'x'],
    ['x'.repeat(256), 'x'],
    ['', undefined],
    ['name', new Payload('utf16', new Uint8Array(3))],
  ])('refuses signal %j with body %j before it reaches the transport', async (name, body) => {
    expect(() => gateway.connections[0]!.signal(name, body)).toThrow(ProtocolError);
    expect(await client.ask('echo', 'x')).toBe('utf8 x');
  });

  it.each([Promise.resolve(1), of(1)])('refuses to send promises and Observables', async (body) => {
    expect(() => gateway.connections[0]!.signal('x', body)).toThrow('a promise or an Observable cannot be sent');
    expect(await client.ask('echo', 'x')).toBe('utf8 x');
  });

  it('is gone when the client closes it', async () => {
    client.send('slow');
    const { abortSignal } = await gateway.started.promise;
    expect(abortSignal.aborted).toBe(false);
    await client.close();
    expect(await gateway.left.promise).toBe('client-close');
    const [connection] = gateway.connections;
    expect(connection!.isActive).toBe(false);
    expect(connection!.signal('late', 'x')).toBe(false);
    expect(abortSignal.aborted).toBe(true);
    gateway.work.resolve('nobody gets this');
    expect(gateway.server.connections.size).toBe(0);
  });

  it('gives an aborted signal to a handler that reads it too late', async () => {
    client.send('slow');
    const message = await gateway.started.promise;
    await client.close();
    await gateway.left.promise;
    expect(message.abortSignal.aborted).toBe(true);
  });

  it('is lost when the peer vanishes', async () => {
    client.socket.terminate();
    expect(await gateway.left.promise).toBe('connection-lost');
  });

  it('accepts a message in several frames, and empty pings between them', async () => {
    const request = Buffer.from('80010000000000000004' + Buffer.from('echo').toString('hex') + '6869', 'hex');
    client.socket.send(request.subarray(0, 5), { fin: false, binary: true });
    client.socket.ping();
    client.socket.send(request.subarray(5), { fin: true, binary: true });
    expect(show(await client.next())).toBe('utf8 hi');
  });

  it('answers a flood in one tick with all its replies, in order', async () => {
    for (let i = 0; i < 500; i++) client.send('echo', String(i));
    for (let i = 0; i < 500; i++) expect(show(await client.next())).toBe(`utf8 ${i}`);
  });

  it('does not change a payload that the application keeps', async () => {
    client.send('slow', 'kept');
    const kept = await gateway.started.promise;
    for (let i = 0; i < 100; i++) client.send('echo', 'y'.repeat(5000));
    for (let i = 0; i < 100; i++) await client.next();
    expect(kept.payload.text()).toBe('kept');
  });
});

describe('a violation', () => {
  const malformed = '7f01';
  const oversized = Buffer.alloc(8193, 0x40);

  it.each<[string, (violator: WireClient) => void, number, string]>([
    ['malformed message', (violator) => violator.sendBytes(malformed), 1002, 'TRUNCATED'],
    ['empty message', (violator) => violator.sendBytes(''), 1002, 'EMPTY_MESSAGE'],
    ['text frame', (violator) => violator.socket.send('text'), 1003, 'TEXT_FRAME'],
    [
      'text frame that is no UTF-8',
      (violator) => violator.socket.send(Buffer.from([0xff]), { binary: false }),
      1003,
      'TEXT_FRAME',
    ],
    ['oversized message', (violator) => violator.sendBytes(oversized), 1009, 'MESSAGE_TOO_LARGE'],
    [
      'oversized message in several frames',
      (violator) => {
        violator.socket.send(oversized.subarray(0, 8000), { fin: false, binary: true });
        violator.socket.send(oversized.subarray(8000), { fin: true, binary: true });
      },
      1009,
      'MESSAGE_TOO_LARGE',
    ],
    ['frame with reserved bits', (violator) => violator.writeRaw('f2800000000000'), 1002, 'INVALID_FRAME'],
    ['frame without mask', (violator) => violator.writeRaw('820100'), 1002, 'INVALID_FRAME'],
  ])(
    '(%s) ends its connection with a code, after the replies of running handlers',
    async (_what, violate, code, text) => {
      const bystander = await app.connect();
      client.send('slow');
      await gateway.started.promise;
      violate(client);
      client.send('echo', 'not read any more');
      await app.logger.logged('warn', text);
      expect(gateway.connections[0]!.isActive).toBe(false);
      gateway.work.resolve('done');
      expect(show(await client.next())).toBe('utf8 done');
      expect(await client.closed).toEqual({ code, reason: text });
      expect(await gateway.left.promise).toBe('violation');
      expect(gateway.disconnected).toHaveLength(1);
      expect(app.logger.at('warn')).toHaveLength(1);
      expect(show(await bystander.next())).toBe('signal welcome utf8 you');
      expect(await bystander.ask('echo', 'unharmed')).toBe('utf8 unharmed');
    },
  );

  it('is the last message that is read', async () => {
    client.send('slow');
    await gateway.started.promise;
    client.sendBytes(malformed);
    await app.logger.logged('warn', 'TRUNCATED');
    let isAnswered = false;
    client.socket.on('pong', () => (isAnswered = true));
    client.socket.ping();
    for (let i = 0; i < 64; i++) client.sendBytes(Buffer.alloc(8_000));
    await (await app.connect()).ask('echo', 'a round trip later');
    expect(isAnswered).toBe(false);
    gateway.work.resolve('done');
    expect(show(await client.next())).toBe('utf8 done');
    expect(await client.closed).toMatchObject({ code: 1002 });
  });

  it('is logged without a byte of the payload', async () => {
    client.sendBytes(Buffer.concat([Buffer.from('800100000000000000ff', 'hex'), Buffer.from('SECRET')]));
    await client.closed;
    expect(app.logger.at('warn').join()).not.toContain('SECRET');
  });

  it.each([1000, 1002, 1007, 1009])('is not reported for a client that closes with code %i', async (code) => {
    client.socket.close(code, 'bye');
    expect(await client.closed).toEqual({ code, reason: 'bye' });
    expect(await gateway.left.promise).toBe('client-close');
    expect(app.logger.at('warn')).toEqual([]);
  });
});
