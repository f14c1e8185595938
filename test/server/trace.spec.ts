import { UseInterceptors, type CallHandler, type ExecutionContext } from '@nestjs/common';
import { ConnectedSocket } from '@nestjs/websockets';
import {
  Payload,
  WebwireConnection,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireSignal,
  WebwireStream,
  type Message,
  type WebwireModuleOptions,
} from 'nestjs-webwire';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TestApp } from '../support/test-app.js';
import { describe as show, type WireClient } from '../support/wire-client.js';

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const OTHER = '00-11111111111111111111111111111111-2222222222222222-00';

const NOTHING = Payload.binary(new Uint8Array());

const shown = ({ trace }: Message) => JSON.stringify(trace ?? null);

class PassOn {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle();
  }
}

@WebwireGateway()
class Gateway {
  release = () => {};

  @WebwireRequest('direct') direct(@WebwireMessage() message: Message) {
    return shown(message);
  }
  @UseInterceptors(PassOn) @WebwireRequest('enhanced') enhanced(@WebwireMessage() message: Message) {
    return shown(message);
  }
  @WebwireStream('stream') async *stream(@WebwireMessage() message: Message) {
    yield shown(message);
  }
  @WebwireSignal('signal') signal(
    @WebwireMessage() message: Message,
    @ConnectedSocket() connection: WebwireConnection,
  ) {
    connection.signal('seen', shown(message));
  }
  @WebwireRequest('hold') hold() {
    return new Promise<void>((resolve) => {
      this.release = resolve;
    });
  }
}

async function start(options: WebwireModuleOptions = {}, asked = '["trace","stream","cancel","ping"]') {
  const app = await TestApp.start({ providers: [Gateway] }, { sessions: false, ...options });
  onTestFinished(() => app.close());
  const client = await app.connect();
  if (asked) await client.ask('wwr:extensions', `{"extensions":${asked}}`);
  return { app, client, gateway: app.get(Gateway) };
}

/** The name of the signal before the request with this number. The question for extensions was request 1. */
function before(request: number): string {
  const id = Buffer.alloc(8);
  id.writeUInt32LE(request);
  return `wwr:trace:${id.toString('hex')}`;
}

/** The trace context that the server reads from a payload. */
async function read(client: WireClient, body: string | Payload): Promise<unknown> {
  client.signal('wwr:trace', body);
  client.signal('signal');
  const text = show(await client.next());
  return JSON.parse(text.slice('signal seen utf8 '.length));
}

describe('the trace context of', () => {
  it.each(['direct', 'enhanced'])('a request reaches its handler: %s', async (name) => {
    const { client } = await start();
    client.signal(before(2), `${PARENT}\na=1,b=2`);
    expect(await client.ask(name, 'x')).toBe(`utf8 {"traceparent":"${PARENT}","tracestate":"a=1,b=2"}`);
    expect(await client.ask(name, 'x')).toBe('utf8 null');
  });

  it('a stream reaches its handler', async () => {
    const { client } = await start();
    client.signal(before(2), PARENT);
    expect(await client.ask('stream', 'x')).toContain(`utf8 {"traceparent":"${PARENT}"}`);
  });

  it('a signal reaches its handler', async () => {
    const { client } = await start();
    expect(await read(client, PARENT)).toEqual({ traceparent: PARENT });
  });

  it('a message that waits is kept with it', async () => {
    const { client, gateway } = await start({ concurrencyLimit: 1 });
    client.send('hold', 'x');
    client.signal(before(3), PARENT);
    client.send('direct', 'x');
    client.signal(before(4), OTHER);
    client.send('direct', 'x');
    await client.ask('wwr:ping', NOTHING);
    gateway.release();
    expect(show(await client.next())).toBe('binary');
    expect(show(await client.next())).toBe(`utf8 {"traceparent":"${PARENT}"}`);
    expect(show(await client.next())).toBe(`utf8 {"traceparent":"${OTHER}"}`);
  });

  it('a request survives reserved messages in between', async () => {
    const { client } = await start();
    client.signal(before(3), PARENT);
    client.signal('wwr:more:0900000000000000', '5');
    client.signal('wwr:unknown', 'x');
    await client.ask('wwr:ping', NOTHING);
    expect(await client.ask('direct', 'x')).toBe(`utf8 {"traceparent":"${PARENT}"}`);
  });
});

describe('a trace context is dropped', () => {
  it('when another request follows', async () => {
    const { client } = await start();
    client.signal(before(3), PARENT);
    expect(await client.ask('direct', 'x')).toBe('utf8 null');
    expect(await client.ask('direct', 'x')).toBe('utf8 null');
  });

  it('when a message of the other kind follows', async () => {
    const { client } = await start();
    client.signal(before(2), PARENT);
    client.signal('signal');
    expect(show(await client.next())).toBe('signal seen utf8 null');
    expect(await client.ask('direct', 'x')).toBe('utf8 null');
    client.signal('wwr:trace', PARENT);
    expect(await client.ask('direct', 'x')).toBe('utf8 null');
    client.signal('signal');
    expect(show(await client.next())).toBe('signal seen utf8 null');
  });

  it('when another one follows', async () => {
    const { client } = await start();
    client.signal(before(2), PARENT);
    client.signal(before(2), OTHER);
    expect(await client.ask('direct', 'x')).toBe(`utf8 {"traceparent":"${OTHER}"}`);
  });

  it('when the client has not asked for the extension', async () => {
    const { client } = await start({}, '["stream","cancel","ping"]');
    client.signal(before(2), PARENT);
    expect(await client.ask('direct', 'x')).toBe('utf8 null');
    const plain = await start({}, '');
    expect(await read(plain.client, PARENT)).toBeNull();
  });

  it('with extensions: false', async () => {
    const { client } = await start({ extensions: false });
    client.signal(before(2), PARENT);
    expect(await client.ask('direct', 'x')).toBe('utf8 null');
  });
});

describe('a traceparent', () => {
  it.each([
    PARENT,
    OTHER,
    PARENT.replace(/^00/, '01'),
    PARENT.replace(/^00/, 'fe'),
    `${PARENT.replace(/^00/, '01')}-`,
    `${PARENT.replace(/^00/, '01')}-what the future brings`,
    `${PARENT.replace(/^00/, 'cc')}-${'x'.repeat(72)}`,
    PARENT.replace(/..$/, 'ff'),
  ])('may be %j', async (traceparent) => {
    const { client } = await start();
    expect(await read(client, traceparent)).toEqual({ traceparent });
  });

  it.each([
    'x',
    '\n',
    `\n${PARENT}`,
    ` ${PARENT}`,
    `${PARENT} `,
    `${PARENT}\r\na=1`,
    `${PARENT}\0`,
    `${PARENT}-`,
    `${PARENT}-more`,
    PARENT.slice(0, -1),
    `${PARENT}0`,
    PARENT.toUpperCase(),
    PARENT.replace(/^00/, 'ff'),
    PARENT.replace(/^00/, '0g'),
    PARENT.replace(/^00/, '0'),
    PARENT.replaceAll('-', '_'),
    PARENT.replace(/-[\da-f]{32}-/, `-${'0'.repeat(32)}-`),
    PARENT.replace(/-[\da-f]{16}-/, `-${'0'.repeat(16)}-`),
    PARENT.replace(/01$/, '0١'),
    `${PARENT.replace(/^00/, '01')}more`,
    `${PARENT.replace(/^00/, '01')}-é`,
    `${PARENT.replace(/^00/, 'cc')}-${'x'.repeat(73)}`,
    'x'.repeat(7_000),
  ])('cannot be %j', async (body) => {
    const { client } = await start();
    expect(await read(client, body)).toBeNull();
  });

  it.each([Payload.utf16(PARENT), Payload.binary(Buffer.from(PARENT)), NOTHING])('is UTF-8, not %j', async (body) => {
    const { client } = await start();
    expect(await read(client, body)).toBeNull();
  });
});

describe('a tracestate', () => {
  it.each(['a=1', 'a=1,b@c=2', 'x', 'x'.repeat(512)])('may be %j', async (tracestate) => {
    const { client } = await start();
    expect(await read(client, `${PARENT}\n${tracestate}`)).toEqual({ traceparent: PARENT, tracestate });
  });

  it.each(['', '\n', 'a=1\n', 'a=1\r', 'a\tb', 'a=é', '\x7f', 'x'.repeat(513), 'x'.repeat(7_000)])(
    'is left out if it is %j',
    async (tracestate) => {
      const { client } = await start();
      expect(await read(client, `${PARENT}\n${tracestate}`)).toEqual({ traceparent: PARENT });
    },
  );
});

describe('the name of a signal with a trace context', () => {
  it.each([
    'wwr:trace:',
    'wwr:trace:0200000000000000x',
    'wwr:trace:0x00000000000000',
    'wwr:Trace',
    'wwr:traces',
    'wwr:trace:020000000000000A',
  ])('cannot be %j', async (name) => {
    const { client } = await start();
    client.signal(name, PARENT);
    expect(await client.ask('direct', 'x')).toBe('utf8 null');
  });
});
