import { MessageBody } from '@nestjs/websockets';
import {
  MemoryTransport,
  Payload,
  WebwireConnection,
  WebwireGateway,
  WebwireRequest,
  WebwireService,
  type DisconnectReason,
} from 'nestjs-webwire';
import { MessageType, type EncodableMessage } from 'nestjs-webwire/protocol';
import { setImmediate as passIo } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Queue } from '../support/queue.js';
import { ServerSocket } from '../support/server-socket.js';
import { TestApp } from '../support/test-app.js';
import { describe as describeMessage, type WireClient } from '../support/wire-client.js';

// Tests of bytes whose memory is transferred to a worker, or whose buffer shrinks, before or after they are sent, or after they
// were received.

const LARGE = 64_000;

/** Transfers the memory, as `worker.postMessage(bytes, [bytes.buffer])` does. */
function transfer<View extends ArrayBufferView | ArrayBuffer>(view: View): View {
  const buffer = ArrayBuffer.isView(view) ? view.buffer : view;
  structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
  return view;
}

/** A buffer that can shrink; TypeScript's library has it only from a later version of JavaScript on. */
interface ResizableBuffer extends ArrayBuffer {
  resize(length: number): void;
}

function resizable(length: number): ResizableBuffer {
  return Reflect.construct(ArrayBuffer, [length, { maxByteLength: length }]) as ResizableBuffer;
}

function shrunk<View extends ArrayBufferView>(make: (buffer: ArrayBuffer) => View): View {
  const buffer = resizable(64);
  const view = make(buffer);
  buffer.resize(8);
  return view;
}

/** Ways to make bytes whose memory is gone. */
const GONE: Record<string, () => unknown> = {
  'a transferred Uint8Array': () => transfer(new Uint8Array(4)),
  'a transferred Buffer': () => transfer(Buffer.from(new ArrayBuffer(4))),
  'a transferred ArrayBuffer': () => transfer(new ArrayBuffer(4)),
  'a transferred Float64Array': () => transfer(new Float64Array(4)),
  'a transferred DataView': () => transfer(new DataView(new ArrayBuffer(4))),
  'a payload whose memory was transferred': () => {
    const bytes = new Uint8Array(4);
    const payload = Payload.binary(bytes);
    transfer(bytes);
    return payload;
  },
  'a Uint8Array beyond the end of a shrunk buffer': () => shrunk((buffer) => new Uint8Array(buffer, 16, 8)),
  'a Float64Array beyond the end of a shrunk buffer': () => shrunk((buffer) => new Float64Array(buffer, 16, 2)),
  'a DataView beyond the end of a shrunk buffer': () => shrunk((buffer) => new DataView(buffer, 16, 8)),
};

/** Ways to make bytes, with a function that removes their memory. */
const GOING: Record<string, () => [Uint8Array, () => void]> = {
  'a transferred Uint8Array': () => {
    const bytes = new Uint8Array(LARGE);
    return [bytes, () => transfer(bytes)];
  },
  'a transferred Buffer': () => {
    const bytes = Buffer.from(new ArrayBuffer(LARGE));
    return [bytes, () => transfer(bytes)];
  },
  'a shrunk buffer': () => {
    const buffer = resizable(LARGE);
    return [new Uint8Array(buffer), () => buffer.resize(10)];
  },
};

@WebwireGateway({ messageBufferSize: 1024 * 1024 })
class Gateway {
  readonly connections: WebwireConnection[] = [];
  readonly disconnects = new Queue<DisconnectReason>();
  readonly received = new Queue<Uint8Array>();
  reply: () => unknown = () => undefined;

  handleConnection(connection: WebwireConnection) {
    this.connections.push(connection);
  }
  handleDisconnect(_connection: WebwireConnection, reason: DisconnectReason) {
    this.disconnects.push(reason);
  }
  @WebwireRequest('reply') sendReply() {
    return this.reply();
  }
  @WebwireRequest('echo') echo(@MessageBody() body: string) {
    return body;
  }
  @WebwireRequest('give away') giveAway(@MessageBody() body: Uint8Array) {
    transfer(body);
  }
  @WebwireRequest('keep') keep(@MessageBody() body: Uint8Array) {
    this.received.push(body);
  }
}

/** Compares the bytes as a whole, because matchers would take minutes. */
async function expectSevens(receiver: WireClient): Promise<void> {
  const message = await receiver.next();
  expect('payload' in message && Buffer.alloc(LARGE, 7).equals(message.payload)).toBe(true);
}

let app: TestApp;
let gateway: Gateway;
let client: WireClient;

beforeEach(async () => {
  app = await TestApp.start({ providers: [Gateway] });
  gateway = app.get(Gateway);
  client = await app.connect();
});
afterEach(() => app.close());

describe.each(Object.entries(GONE))('%s', (_what, make) => {
  it('cannot be a reply: the client gets an internal error, and the reason is logged', async () => {
    gateway.reply = make;
    expect(await client.ask('reply')).toBe('internal error');
    expect(app.logger.at('error').join()).toMatch(/Request "reply" failed.*(transferred or shrunk|detached)/s);
    expect(await client.ask('echo', 'x')).toBe('utf8 x');
  });

  it('cannot be a signal: the caller gets the error', async () => {
    expect(() => gateway.connections[0]!.signal('bytes', make())).toThrow(/transferred or shrunk|detached/);
    expect(() => app.get(WebwireService).broadcast('bytes', make())).toThrow(/transferred or shrunk|detached/);
    expect(await client.ask('echo', 'x')).toBe('utf8 x');
  });
});

it('empty bytes are sent as empty bytes', async () => {
  const shared = new Uint8Array(new SharedArrayBuffer(0));
  for (const empty of [new Uint8Array(0), Buffer.alloc(0), new ArrayBuffer(0), new Uint8Array(8).subarray(8), shared]) {
    gateway.reply = () => empty;
    expect(await client.ask('reply')).toBe('binary');
  }
});

it.each([4, LARGE])('%i bytes of shared memory are sent', async (length) => {
  gateway.reply = () => new Uint8Array(new SharedArrayBuffer(length)).fill(7);
  expect(await client.ask('reply')).toBe(`binary ${'07'.repeat(length)}`);
});

describe.each(Object.entries(GOING))('%s, after it was sent', (_what, make) => {
  it('ends its own connection, and logs a remedy', async () => {
    const other = await app.connect();
    const [connection] = gateway.connections;
    const [bytes, take] = make();
    expect(connection!.signal('bytes', bytes)).toBe(true);
    take();
    expect(await gateway.disconnects.take()).toBe('connection-lost');
    const [line] = app.logger.at('error');
    expect(line).toContain(connection!.id);
    expect(line).toContain('could not be written');
    expect(line).toContain('send a copy');
    expect(app.logger.at('error')).toHaveLength(1);
    expect(await other.ask('echo', 'unaffected')).toBe('utf8 unaffected');
  });

  it('arrives unchanged if it was broadcast', async () => {
    const [bytes, take] = make();
    bytes.fill(7);
    app.get(WebwireService).broadcast('bytes', bytes);
    take();
    await expectSevens(client);
  });

  it('arrives unchanged if it waited for a slow client', async () => {
    const peer = await ServerSocket.connect(app);
    const connection = gateway.connections.at(-1)!;
    peer.socket.cork();
    connection.signal('first', 'x');
    await passIo();
    const [bytes, take] = make();
    bytes.fill(7);
    connection.signal('bytes', bytes);
    await passIo();
    take();
    peer.socket.uncork();
    expect(await peer.client.next()).toMatchObject({ name: 'first' });
    await expectSevens(peer.client);
  });
});

it('bytes that are transferred after they were sent over memory arrive unchanged', async () => {
  const transport = new MemoryTransport();
  await app.close();
  app = await TestApp.start({ providers: [Gateway] }, { transport });
  gateway = app.get(Gateway);
  const socket = await transport.connect();
  const messages = new Queue<Buffer>();
  socket.addEventListener('message', ({ data }) => messages.push(Buffer.from(data as ArrayBuffer)));
  await messages.take();
  const bytes = new Uint8Array(4).fill(7);
  gateway.connections.at(-1)!.signal('', bytes);
  transfer(bytes);
  expect((await messages.take()).toString('hex')).toBe('3f0007070707');
});

describe('received bytes that are transferred', () => {
  const request = (name: string, payload: Uint8Array): EncodableMessage => ({
    type: MessageType.RequestBinary,
    id: Buffer.alloc(8),
    name,
    payload,
  });
  const echo = request('echo', Buffer.from('x'));

  async function expectEnd(): Promise<void> {
    expect(await gateway.disconnects.take()).toBe('connection-lost');
    expect(app.logger.at('error')).toHaveLength(1);
    expect(app.logger.at('error')[0]).toMatch(/could not be written or read.*send a copy.*memory of a message/s);
    expect(await client.ask('echo', 'unaffected')).toBe('utf8 unaffected');
  }

  it('end their connection if other messages are in their memory', async () => {
    const peer = await ServerSocket.connect(app);
    peer.receive(request('give away', Buffer.alloc(LARGE)), echo);
    await expectEnd();
  });

  it('end their connection if other messages are in their memory and wait for their turn', async () => {
    const peer = await ServerSocket.connect(app);
    // More than are read at once.
    peer.receive(request('keep', Buffer.alloc(LARGE)), ...Array.from({ length: 200 }, () => echo));
    transfer(await gateway.received.take());
    await expectEnd();
  });

  it('end their connection if the client has ended it meanwhile', async () => {
    const peer = await ServerSocket.connect(app);
    peer.receive(request('keep', Buffer.alloc(LARGE)), ...Array.from({ length: 200 }, () => echo));
    transfer(await gateway.received.take());
    peer.socket.destroy();
    await expectEnd();
  });

  it('change nothing if no other message is in their memory', async () => {
    const peer = await ServerSocket.connect(app);
    peer.receive(request('give away', Buffer.alloc(LARGE)));
    expect(describeMessage(await peer.client.next())).toBe('binary');
    expect(await peer.client.ask('echo', 'and on')).toBe('utf8 and on');
  });
});

describe('a socket that cannot be written to', () => {
  it('ends its own connection, not the process', async () => {
    const peer = await ServerSocket.connect(app);
    const connection = gateway.connections.at(-1)!;
    peer.socket.write = () => {
      throw new TypeError('no write today');
    };
    connection.signal('lost', 'x');
    expect(await gateway.disconnects.take()).toBe('connection-lost');
    expect(app.logger.at('error').join()).toMatch(/could not be written.*no write today/s);
    expect(connection.signal('too', 'late')).toBe(false);
    expect(await client.ask('echo', 'unaffected')).toBe('utf8 unaffected');
  });

  it('ends its own connection when a message is large, and when it replies', async () => {
    const peer = await ServerSocket.connect(app);
    peer.socket.write = () => {
      throw new TypeError('no write today');
    };
    gateway.reply = () => Buffer.alloc(LARGE * 2);
    peer.receive({ type: MessageType.RequestBinary, id: Buffer.alloc(8), name: 'reply', payload: Buffer.alloc(1) });
    expect(await gateway.disconnects.take()).toBe('connection-lost');
    expect(app.logger.at('error')).toHaveLength(1);
    expect(await client.ask('echo', 'unaffected')).toBe('utf8 unaffected');
  });
});
