import { MessageBody } from '@nestjs/websockets';
import {
  WebwireConnection,
  WebwireGateway,
  WebwireRequest,
  WebwireService,
  WebwireSignal,
  WsTransport,
  type DisconnectReason,
  type WebwireModuleOptions,
} from 'nestjs-webwire';
import { encodeMessage, MessageType } from 'nestjs-webwire/protocol';
import { randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CompressingClient } from '../support/compressing-client.js';
import { deferred } from '../support/deferred.js';
import { clientFrame, deflate } from '../support/frames.js';
import { Queue } from '../support/queue.js';
import { ServerSocket } from '../support/server-socket.js';
import { TcpClient, UPGRADE } from '../support/tcp-client.js';
import { TestApp } from '../support/test-app.js';
import { WireClient } from '../support/wire-client.js';

/** Large enough to be compressed and inflated on other threads. */
const LARGE = 200_000;

@WebwireGateway()
class Gateway {
  readonly connections: WebwireConnection[] = [];
  readonly disconnects = new Queue<DisconnectReason>();
  readonly notes = new Queue<string>();
  gate = deferred();

  handleConnection(connection: WebwireConnection) {
    this.connections.push(connection);
  }
  handleDisconnect(_connection: WebwireConnection, reason: DisconnectReason) {
    this.disconnects.push(reason);
  }
  @WebwireRequest('e') echo(@MessageBody() body: string) {
    return body;
  }
  @WebwireRequest('n') measure(@MessageBody() body: string) {
    return String(body.length);
  }
  @WebwireRequest('r') repeat(@MessageBody() length: string) {
    return 'r'.repeat(Number(length));
  }
  @WebwireRequest('w') async wait(@MessageBody() body: string) {
    this.notes.push('waiting');
    await this.gate.promise;
    return body;
  }
  @WebwireSignal('s') note(@MessageBody() body: string) {
    this.notes.push(body.length > 20 ? String(body.length) : body);
  }
}

let app: TestApp;
let gateway: Gateway;
const clients: Pick<TcpClient, 'socket'>[] = [];

async function start(options: WebwireModuleOptions = {}, threshold = 64): Promise<void> {
  const transport = new WsTransport({ perMessageDeflate: { threshold } });
  app = await TestApp.start({ providers: [Gateway] }, { messageBufferSize: 2 ** 20, transport, ...options });
  gateway = app.get(Gateway);
}

beforeEach(() => start());
afterEach(async () => {
  // These clients answer no close frame, so the server would wait for a timeout.
  for (const client of clients.splice(0)) client.socket.destroy();
  await app.close();
});

async function restart(options: WebwireModuleOptions, threshold?: number): Promise<void> {
  await app.close();
  await start(options, threshold);
}

async function connect(extensions?: string): Promise<CompressingClient> {
  const client = await CompressingClient.connect(app.port, extensions);
  clients.push(client);
  return client;
}

/** A WebWire request. */
function request(name: string, body: string): Uint8Array {
  return encodeMessage({
    type: MessageType.RequestUtf8,
    id: Buffer.alloc(8, 1),
    name,
    payload: Buffer.from(body),
  });
}

function signal(body: string): Uint8Array {
  return encodeMessage({ type: MessageType.SignalUtf8, name: 's', payload: Buffer.from(body) });
}

/** A message in a compressed frame. */
function packed(message: Uint8Array): Buffer {
  return clientFrame(0xc2, deflate(message));
}

function plain(message: Uint8Array): Buffer {
  return clientFrame(0x82, message);
}

describe('an offer of extensions', () => {
  const ACCEPTED = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

  async function ask(extensions: string): Promise<string> {
    const client = await TcpClient.connect(app.port);
    clients.push(client);
    client.send(UPGRADE.replace('\r\n\r\n', `\r\nSec-WebSocket-Extensions: ${extensions}\r\n\r\n`));
    const head = (await client.received('\r\n\r\n')).split('\r\n\r\n', 1)[0]!;
    if (!head.startsWith('HTTP/1.1 101 ')) return head.slice(9, 12);
    return /Sec-WebSocket-Extensions: (.*)/.exec(head)?.[1] ?? 'none';
  }

  it.each([
    ['permessage-deflate', ACCEPTED],
    ['permessage-deflate; client_max_window_bits', ACCEPTED],
    ['permessage-deflate;client_max_window_bits=8 ; client_no_context_takeover', ACCEPTED],
    ['permessage-deflate; server_no_context_takeover', ACCEPTED],
    ['permessage-deflate; server_max_window_bits="1\\0"', `${ACCEPTED}; server_max_window_bits=10`],
    ['permessage-deflate; server_max_window_bits=9', `${ACCEPTED}; server_max_window_bits=9`],
    ['x-webkit-deflate-frame, permessage-deflate', ACCEPTED],
    [
      'permessage-deflate; unknown, permessage-deflate; server_max_window_bits=12',
      `${ACCEPTED}; server_max_window_bits=12`,
    ],
    ['permessage-bzip2; level=9', 'none'],
    ['permessage-deflate; server_max_window_bits=8', 'none'],
    ['permessage-deflate; server_max_window_bits=16', 'none'],
    ['permessage-deflate; server_max_window_bits=010', 'none'],
    ['permessage-deflate; server_max_window_bits', 'none'],
    ['permessage-deflate; client_max_window_bits=7', 'none'],
    ['permessage-deflate; client_no_context_takeover=1', 'none'],
    ['permessage-deflate; client_max_window_bits; client_max_window_bits', 'none'],
    ['permessage-deflate; unknown', 'none'],
    ['', '400'],
    [',', '400'],
    ['permessage-deflate;', '400'],
    ['permessage-deflate; =1', '400'],
    ['permessage-deflate; a=', '400'],
    ['permessage-deflate; a="', '400'],
    ['permessage-deflate; a=""', '400'],
    ['permessage deflate', '400'],
    [`permessage-deflate${' '.repeat(8_000)}x`, '400'],
  ])('(%s) is answered: %s', async (extensions, answer) => {
    expect(await ask(extensions)).toBe(answer);
  });

  it.each([9, 12, 15])('keeps to a window of %i bits', async (bits) => {
    const client = await WireClient.connect(app.url(), { perMessageDeflate: { serverMaxWindowBits: bits } });
    const noise = randomBytes(3_000).toString('base64');
    expect(await client.ask('e', noise + noise)).toBe(`utf8 ${noise}${noise}`);
    client.socket.terminate();
  });
});

describe('a compressed message', () => {
  it('is answered in order with others, and pings among them', async () => {
    const client = await connect();
    client.send(packed(request('e', 'a')), plain(request('e', 'b')), '8981 00000000 21', packed(request('e', 'c')));
    expect(await client.frames(4)).toEqual(['utf8 a', 'utf8 b', 'pong 21', 'utf8 c']);
  });

  it('may be spread over frames of any length, with others in between', async () => {
    const client = await connect();
    const payload = deflate(request('e', 'spread'));
    const parts = [...payload].map((byte) => Buffer.of(byte));
    client.send(clientFrame(0x42, Buffer.alloc(0)));
    for (const part of parts) client.send(clientFrame(0x00, part), '8980 00000000');
    client.send('8080 00000000');
    expect(await client.frames(parts.length + 1)).toEqual([...parts.map(() => 'pong'), 'utf8 spread']);
  });

  it.each([
    ['small', 'e', 'small', ['utf8 small', 'utf8 small']],
    ['large', 'n', 'x'.repeat(LARGE), [`utf8 ${LARGE}`, `utf8 ${LARGE}`]],
  ])('may be cut anywhere: %s', async (_what, name, body, replies) => {
    const bytes = Buffer.concat([packed(request(name, body)), packed(request(name, body))]);
    for (let cut = 1; cut < bytes.length; cut += bytes.length > 100 ? 17 : 1) {
      const client = await connect();
      client.send(bytes.subarray(0, cut));
      await new Promise(setImmediate);
      client.send(bytes.subarray(cut));
      expect([cut, await client.frames(2)]).toEqual([cut, replies]);
      client.destroy();
    }
  });

  it('may arrive byte by byte', async () => {
    const client = await connect();
    for (const byte of Buffer.concat([packed(request('e', 'a')), packed(request('n', 'x'.repeat(LARGE)))])) {
      client.send(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    expect(await client.frames(2)).toEqual(['utf8 a', `utf8 ${LARGE}`]);
  });

  it('may end with a final block, if the byte that RFC 7692 requires follows', async () => {
    const client = await connect();
    const finished = deflateRawSync(request('e', 'finished'));
    client.send(clientFrame(0xc2, Buffer.concat([finished, Buffer.of(0)])), clientFrame(0xc2, finished));
    expect(await client.frames(2)).toEqual(['utf8 finished', 'utf8 finished']);
  });

  it('may use its whole window, and blocks of all kinds', async () => {
    const client = await connect();
    const noise = randomBytes(15_000).toString('base64');
    for (const options of [{ level: 0 }, { level: 9 }, { strategy: 4 }, { windowBits: 9 }]) {
      const stream = deflateRawSync(request('n', noise + noise), { ...options, finishFlush: 2 });
      client.send(clientFrame(0xc2, stream.subarray(0, -4)));
    }
    expect(await client.frames(4)).toEqual(Array(4).fill('utf8 40000'));
  });

  it('gets a compressed reply if that is shorter', async () => {
    const client = await connect();
    client.send(packed(request('e', 'short')), packed(request('r', '70')));
    expect(await client.frames(2)).toEqual(['utf8 short', `deflated utf8 ${'r'.repeat(70)}`]);
    const noise = randomBytes(500);
    client.send(
      plain(encodeMessage({ type: MessageType.RequestBinary, id: Buffer.alloc(8, 1), name: 'e', payload: noise })),
    );
    expect((await client.frames(3))[2]).toBe(`binary ${noise.toString('hex')}`);
  });
});

describe('a message that is compressed although it must not be', () => {
  it('ends the connection of a client that has not asked for compression', async () => {
    const client = await connect('permessage-bzip2');
    client.send(packed(request('e', 'a')));
    expect(await client.ended()).toEqual(['close 1002 INVALID_FRAME']);
  });

  it.each([
    ['in its second frame', clientFrame(0x02, Buffer.alloc(1, 0x7f)), clientFrame(0xc0, deflate('x'))],
    ['in its second frame as well', clientFrame(0x42, Buffer.of(0)), clientFrame(0xc0, Buffer.of(0))],
    ['as a ping', clientFrame(0xc9, deflate('x')), Buffer.alloc(0)],
    ['as a pong', clientFrame(0xca, deflate('x')), Buffer.alloc(0)],
    ['as a close frame', clientFrame(0xc8, Buffer.of(3, 232)), Buffer.alloc(0)],
    ['with the second reserved bit', clientFrame(0xe2, deflate('x')), Buffer.alloc(0)],
    ['with the third reserved bit', clientFrame(0xd2, deflate('x')), Buffer.alloc(0)],
    ['with the second reserved bit alone', clientFrame(0xa2, deflate('x')), Buffer.alloc(0)],
    ['within another', clientFrame(0x42, Buffer.of(0)), clientFrame(0xc2, Buffer.of(0))],
  ])('(%s) ends the connection after the replies before it', async (_what, ...frames) => {
    const client = await connect();
    client.send(packed(request('e', 'before')), ...frames, packed(request('e', 'after')));
    expect(await client.ended()).toEqual(['utf8 before', 'close 1002 INVALID_FRAME']);
    client.socket.end();
    expect(await gateway.disconnects.take()).toBe('violation');
  });
});

describe('compressed data that is broken', () => {
  const whole = deflate(request('e', 'what a long message this is'));
  const large = deflate(request('n', 'x'.repeat(LARGE)));

  it.each([
    ['no data at all, but bytes', Buffer.from('ffffffff', 'hex')],
    ['a block of a type that does not exist', Buffer.of(0x07)],
    ['a block that is cut off', whole.subarray(0, -3)],
    ['a block of raw bytes that is cut off', Buffer.from('0064009bff61', 'hex')],
    ['a block of raw bytes that takes what was left away', Buffer.from('000200fdff', 'hex')],
    ['nothing of its first block', whole.subarray(0, 1)],
    ['an end that was not left away', Buffer.concat([whole, Buffer.from('0000ffff', 'hex')])],
    ['data after its last block', Buffer.concat([deflateRawSync(request('e', 'x')), whole])],
    ['a byte after its last block', Buffer.concat([deflateRawSync(request('e', 'x')), Buffer.of(1)])],
    ['two bytes after its last block', Buffer.concat([deflateRawSync(request('e', 'x')), Buffer.of(0, 0)])],
    ['a distance before its start', Buffer.from('4b4c04426000', 'hex')],
    ['a large message that is cut off', large.subarray(0, -10)],
    ['a large message with data after its last block', Buffer.concat([deflateRawSync(Buffer.alloc(LARGE)), whole])],
    ['much that is no data', randomBytes(100_000).fill(0xff, 0, 100)],
  ])('(%s) ends its connection with 1007, and no other', async (_what, data) => {
    const [client, other] = [await connect(), await connect()];
    client.send(packed(request('e', 'before')), clientFrame(0xc2, data), packed(request('e', 'after')));
    expect(await client.ended()).toEqual(['utf8 before', 'close 1007 INVALID_COMPRESSION']);
    client.socket.end();
    expect(await gateway.disconnects.take()).toBe('violation');
    expect(await app.logger.logged('warn', 'INVALID_COMPRESSION')).toContain(
      'compressed message that cannot be inflated',
    );
    other.send(packed(request('e', 'as ever')));
    expect(await other.frames(1)).toEqual(['utf8 as ever']);
  });

  it('is found in every byte of a message that stands for something', async () => {
    const message = request('e', 'what a long message this is');
    for (let length = 1; length < whole.length; length++) {
      const client = await connect();
      client.send(clientFrame(0xc2, whole.subarray(0, length)), plain(message));
      expect([length, await client.ended()]).toEqual([length, ['close 1007 INVALID_COMPRESSION']]);
    }
  });

  it('never ends the process, whichever bit is wrong', async () => {
    for (let bit = 0; bit < 8 * whole.length; bit += 3) {
      const client = await connect();
      const wrong = Buffer.from(whole);
      wrong[bit >> 3]! ^= 1 << (bit & 7);
      client.send(clientFrame(0xc2, wrong), '8880 00000000');
      expect((await client.ended()).at(-1)).toMatch(/^close/);
    }
    const client = await connect();
    client.send(packed(request('e', 'alive')));
    expect(await client.frames(1)).toEqual(['utf8 alive']);
  });

  it('closes with 1003 for text, and with 1007 if it cannot be inflated', async () => {
    const [text, broken] = [await connect(), await connect()];
    text.send(clientFrame(0xc1, deflate('hello')));
    broken.send(clientFrame(0xc1, Buffer.of(0x07)));
    expect(await text.closed()).toEqual(['close 1003 TEXT_FRAME']);
    expect(await broken.ended()).toEqual(['close 1007 INVALID_COMPRESSION']);
  });

  it.each(['00', ''])('is an empty message: %s', async (data) => {
    const client = await connect();
    client.send(clientFrame(0xc2, Buffer.from(data, 'hex')));
    expect(await client.closed()).toEqual(['close 1002 EMPTY_MESSAGE']);
  });
});

describe('a message that inflates to too much', () => {
  it.each([
    ['a little too much', 8_192, Buffer.alloc(8_193)],
    ['far too much', 8_192, Buffer.alloc(5_000_000)],
    ['too much for another thread', 100_000, Buffer.alloc(100_001)],
    ['far too much for another thread', 100_000, Buffer.alloc(5_000_000)],
  ])('(%s) ends its connection with 1009', async (_what, messageBufferSize, message) => {
    await restart({ messageBufferSize });
    const [client, other] = [await connect(), await connect()];
    client.send(packed(request('e', 'before')), packed(message), packed(request('e', 'after')));
    expect(await client.ended()).toEqual(['utf8 before', 'close 1009 MESSAGE_TOO_LARGE']);
    other.send(packed(request('e', 'as ever')));
    expect(await other.frames(1)).toEqual(['utf8 as ever']);
  });

  it('is refused by its length alone if no message gets as long', async () => {
    await restart({ messageBufferSize: 8_192 });
    const client = await connect();
    client.send('c2fe 2600 00000000');
    expect(await client.ended()).toEqual(['close 1009 MESSAGE_TOO_LARGE']);
  });

  it.each([8_192, 100_000])(
    'is none of %i bytes where as many are allowed, although it gets longer',
    async (length) => {
      await restart({ messageBufferSize: length });
      const client = await connect();
      const message = signal('');
      const noise = Buffer.concat([message, randomBytes(length - message.length).map((byte) => byte & 0x7f)]);
      const stream = deflateRawSync(noise, { level: 0, finishFlush: 2 }).subarray(0, -4);
      expect(stream.length).toBeGreaterThan(length);
      client.send(clientFrame(0xc2, stream));
      expect(await gateway.notes.take()).toBe(String(length - message.length));
    },
  );
});

describe('a message in many frames', () => {
  const MANY = 16 * 1024;

  it.each([
    ['plain', 0x02, request('e', 'a')],
    ['compressed', 0x42, deflate(request('e', 'a'))],
  ])('(%s) is accepted up to 16 384 of them, and refused with 1008 beyond', async (_what, first, payload) => {
    const empty = Buffer.from('008000000000', 'hex');
    const [client, refused] = [await connect(), await connect()];
    const beginning = clientFrame(first, payload);
    client.send(beginning, ...Array<Buffer>(MANY - 2).fill(empty), clientFrame(0x80, Buffer.alloc(0)));
    refused.send(beginning, ...Array<Buffer>(MANY - 1).fill(empty), clientFrame(0x80, Buffer.alloc(0)));
    expect(await client.frames(1)).toEqual(['utf8 a']);
    expect(await refused.ended()).toEqual(['close 1008 TOO_MANY_FRAGMENTS']);
    refused.socket.end();
    expect(await gateway.disconnects.take()).toBe('violation');
  });
});

describe('while a large message is inflated', () => {
  const large = packed(request('n', 'x'.repeat(LARGE)));
  const largeNote = packed(signal('x'.repeat(LARGE)));

  it('all that follows keeps its order', async () => {
    const client = await connect();
    client.send(large, plain(request('e', 'a')), '8980 00000000', large, packed(request('e', 'b')), large);
    expect(await client.frames(6)).toEqual([
      `utf8 ${LARGE}`,
      'utf8 a',
      'pong',
      `utf8 ${LARGE}`,
      'utf8 b',
      `utf8 ${LARGE}`,
    ]);
  });

  it.each([
    ['is not masked', '8202 7f01', '1002 INVALID_FRAME'],
    ['has a reserved bit', 'a280 00000000', '1002 INVALID_FRAME'],
    ['cannot be inflated', 'c281 00000000 07', '1007 INVALID_COMPRESSION'],
    ['is text', '8180 00000000', '1003 TEXT_FRAME'],
    ['is too large', '82ff 00000000ffffffff', '1009 MESSAGE_TOO_LARGE'],
  ])('a frame that %s waits for its turn, and ends the connection then', async (_what, frame, closing) => {
    const client = await connect();
    client.send(large, frame, large);
    expect(await client.closed()).toEqual([`utf8 ${LARGE}`, `close ${closing}`]);
    client.socket.end();
    expect(await gateway.disconnects.take()).toBe('violation');
  });

  it('a close frame waits for its turn, and is answered then', async () => {
    const client = await connect();
    client.send(large, '8882 00000000 03e8', large);
    expect(await client.ended()).toEqual([`utf8 ${LARGE}`, 'close 1000']);
    client.socket.end();
    expect(await gateway.disconnects.take()).toBe('client-close');
  });

  it('a client that ends its side gets all replies', async () => {
    const client = await connect();
    client.send(large, large, packed(request('e', 'a')), large);
    client.socket.end();
    expect(await client.ended()).toEqual([`utf8 ${LARGE}`, `utf8 ${LARGE}`, 'utf8 a', `utf8 ${LARGE}`]);
    expect(await gateway.disconnects.take()).toBe('connection-lost');
  });

  it('a client may go: its messages count, and the connection ends once', async () => {
    for (let round = 0; round < 10; round++) {
      const client = await connect();
      client.send(packed(signal('first')), largeNote, packed(signal('then')), largeNote, plain(signal('last')));
      expect(await gateway.notes.take()).toBe('first');
      client.socket.end();
      client.socket.destroySoon();
      for (const note of [String(LARGE), 'then', String(LARGE), 'last']) expect(await gateway.notes.take()).toBe(note);
      expect(await gateway.disconnects.take()).toBe('connection-lost');
    }
    expect(gateway.disconnects.rest).toEqual([]);
  });

  it('a connection may be cut: nothing fails, and others work', async () => {
    const other = await connect();
    for (let round = 0; round < 20; round++) {
      const client = await connect();
      client.send(plain(signal('first')), largeNote, clientFrame(0xc2, Buffer.alloc(30_000, 0xff)), large);
      await gateway.notes.take((note) => note === 'first');
      if (round % 2 === 0) client.destroy();
      else void gateway.connections.at(-1)!.close();
      client.socket.end();
      await gateway.disconnects.take();
    }
    other.send(large);
    expect(await other.frames(1)).toEqual([`utf8 ${LARGE}`]);
    expect(app.logger.at('error')).toEqual([]);
  });

  it('the application may close: no further inflating begins', async () => {
    const client = await connect();
    client.send(plain(signal('first')), largeNote, largeNote);
    await gateway.notes.take();
    const closed = gateway.connections[0]!.close();
    client.socket.end();
    await closed;
    expect(await client.ended()).toEqual(['close 1000']);
    expect(gateway.notes.rest).toEqual([]);
  });

  it('reading may stop at a limit of handlers, and continue', async () => {
    await restart({ concurrencyLimit: 1 });
    const client = await connect();
    client.send(packed(request('w', 'waited')), large, packed(request('e', 'a')), large, plain(request('e', 'b')));
    await gateway.notes.take();
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    gateway.gate.resolve();
    expect(await client.frames(5)).toEqual(['utf8 waited', `utf8 ${LARGE}`, 'utf8 a', `utf8 ${LARGE}`, 'utf8 b']);
  });

  it('a shutdown answers new requests', async () => {
    const client = await connect();
    client.send(plain(signal('first')), large, large);
    await gateway.notes.take();
    const closed = app.close();
    client.socket.end();
    const frames = await client.ended();
    await closed;
    expect(frames.filter((frame) => frame !== 'shutdown' && frame !== `utf8 ${LARGE}`)).toEqual([
      'close 1001 server shutting down after all replies',
    ]);
    await start();
  });
});

describe('while a large message is compressed', () => {
  const reply = `deflated utf8 ${'r'.repeat(LARGE)}`;

  it('all that is sent after it keeps its order, but pongs need not wait', async () => {
    const client = await connect();
    client.send(plain(request('r', String(LARGE))), plain(request('e', 'a')), '8980 00000000');
    client.send(plain(request('r', String(LARGE))), packed(request('e', 'b')), packed(request('r', '100')));
    const frames = await client.frames(6);
    expect(frames.filter((frame) => frame !== 'pong')).toEqual([
      reply,
      'utf8 a',
      reply,
      'utf8 b',
      `deflated utf8 ${'r'.repeat(100)}`,
    ]);
    expect(frames).toContain('pong');
  });

  it('that message counts as waiting', async () => {
    const client = await connect();
    const [connection] = gateway.connections as [WebwireConnection];
    expect(connection.bufferedAmount).toBe(0);
    connection.signal('big', 'r'.repeat(LARGE));
    connection.signal('small', 'r');
    expect(connection.bufferedAmount).toBeGreaterThan(LARGE);
    expect(await client.frames(2)).toEqual([`deflated signal big utf8 ${'r'.repeat(LARGE)}`, 'signal small utf8 r']);
    expect(connection.bufferedAmount).toBe(0);
  });

  it('the close frame comes after it', async () => {
    const client = await connect();
    const [connection] = gateway.connections as [WebwireConnection];
    connection.signal('big', 'r'.repeat(LARGE));
    connection.signal('small', 'r');
    void connection.close();
    expect(connection.signal('late', 'r')).toBe(false);
    expect(await client.closed()).toEqual([
      `deflated signal big utf8 ${'r'.repeat(LARGE)}`,
      'signal small utf8 r',
      'close 1000',
    ]);
    client.socket.end();
    expect(await gateway.disconnects.take()).toBe('server-close');
  });

  it('a close frame of the client is answered after it', async () => {
    const client = await connect();
    client.send(plain(request('r', String(LARGE))), '8882 00000000 03e8');
    expect(await client.ended()).toEqual([reply, 'close 1000']);
  });

  it('both sides may send close frames at the same time', async () => {
    const client = await connect();
    client.send(plain(request('r', String(LARGE))), plain(signal('asked')), '8882 00000000 03e9');
    await gateway.notes.take();
    void gateway.connections[0]!.close();
    const frames = await client.ended();
    expect(frames[0]).toBe(reply);
    expect(frames.slice(1)).toHaveLength(1);
    client.socket.end();
    await gateway.disconnects.take();
  });

  it('a client that ends its side gets it', async () => {
    const client = await connect();
    client.send(plain(request('r', String(LARGE))), plain(request('e', 'a')));
    client.socket.end();
    expect(await client.ended()).toEqual([reply, 'utf8 a']);
  });

  it('a client may go: nothing fails', async () => {
    for (let round = 0; round < 20; round++) {
      const client = await connect();
      const connection = gateway.connections.at(-1)!;
      connection.signal('big', 'r'.repeat(LARGE));
      connection.signal('big', 'r'.repeat(LARGE));
      if (round % 2 === 0) client.destroy();
      else client.socket.destroy();
      await gateway.disconnects.take();
      expect(connection.signal('big', 'r'.repeat(LARGE))).toBe(false);
    }
    expect(app.logger.at('error')).toEqual([]);
  });

  it('a client that does not read is dropped', async () => {
    await restart({ maxBufferedAmount: 2 ** 20 });
    const client = await connect();
    client.socket.pause();
    const [connection] = gateway.connections as [WebwireConnection];
    const noise = randomBytes(LARGE).toString('latin1');
    let sent = 0;
    while (connection.signal('big', noise)) sent++;
    // Messages that cannot be compressed in time leave uncompressed, and the system buffers some of them.
    expect(sent).toBeLessThan(50);
    client.destroy();
    expect(await gateway.disconnects.take()).toBe('backlog');
  });
});

describe('clients that compress', () => {
  it('get the replies to requests of one read in one write', async () => {
    const peer = await ServerSocket.connect(app);
    expect(peer.client.socket.extensions).toContain('permessage-deflate');
    const id = Buffer.alloc(8, 1);
    const ask = (payload: string) =>
      ({ type: MessageType.RequestUtf8, id, name: 'r', payload: Buffer.from(payload) }) as const;
    peer.receive(ask('10'), ask('1000'), ask('20'), ask('2000'));
    expect(peer.writes.map((pieces) => pieces.length)).toEqual([1]);
    for (const length of [10, 1_000, 20, 2_000]) {
      expect(await peer.client.next()).toMatchObject({ payload: { length } });
    }
  });

  it.each([1_000, LARGE])('get a broadcast of %i bytes as it is compressed once for all', async (length) => {
    const all = await Promise.all([connect(), connect(), connect()]);
    const text = 'b'.repeat(length);
    expect(app.get(WebwireService).broadcast('all', text)).toBe(3);
    for (const client of all) expect(await client.frames(1)).toEqual([`deflated signal all utf8 ${text}`]);
  });
});
