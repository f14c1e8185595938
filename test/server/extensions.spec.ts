import { MessageBody } from '@nestjs/websockets';
import {
  Payload,
  WebwireConnection,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireService,
  WebwireSignal,
  type Message,
  type WebwireModuleOptions,
} from 'nestjs-webwire';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Queue } from '../support/queue.js';
import { TestApp } from '../support/test-app.js';
import { describe as show } from '../support/wire-client.js';

const NOTHING = Payload.binary(new Uint8Array());

@WebwireGateway()
class Gateway {
  readonly log = new Queue<string>();
  readonly connections: WebwireConnection[] = [];

  handleConnection(connection: WebwireConnection) {
    this.connections.push(connection);
  }
  @WebwireRequest({ fallback: true }) request(@WebwireMessage() { name }: Message) {
    this.log.push(name);
    return 'fallback';
  }
  @WebwireSignal({ fallback: true }) signal(@WebwireMessage() { name }: Message) {
    this.log.push(name);
  }
  @WebwireRequest('watch') async watch(@MessageBody() body: string, @WebwireMessage() { abortSignal }: Message) {
    this.log.push(`started ${body}`);
    await once(abortSignal, 'abort');
    this.log.push(`aborted ${body}`);
    throw new Error('NOT LOGGED');
  }
  @WebwireRequest('late') async late(@WebwireMessage() message: Message) {
    await this.gate;
    this.log.push(message.abortSignal.aborted ? 'was aborted' : 'was not aborted');
  }
  open: () => void = () => undefined;
  readonly gate = new Promise<void>((resolve) => (this.open = resolve));
}

async function start(options: WebwireModuleOptions = {}) {
  const app = await TestApp.start({ providers: [Gateway] }, { sessions: false, shutdownTimeout: 500, ...options });
  onTestFinished(() => app.close());
  const connected = once(app.app.getHttpServer() as Server, 'connection');
  const client = await app.connect();
  const [socket] = (await connected) as [Socket];
  return { app, client, socket, gateway: app.get(Gateway) };
}

describe('the question for extensions', () => {
  it('is answered with those that both sides have', async () => {
    const { client } = await start();
    const question = '{"client":"x","extensions":["new","ping","stream",5]}';
    expect(await client.ask('wwr:extensions', question)).toBe(
      'utf8 {"extensions":["stream","ping"],"streamWindow":64}',
    );
  });

  it('is answered once for all', async () => {
    const { client } = await start();
    const answer = await client.ask('wwr:extensions', '{"extensions":[]}');
    expect(answer).toBe('utf8 {"extensions":[],"streamWindow":64}');
    expect(await client.ask('wwr:extensions', '{"extensions":["ping"]}')).toBe(answer);
    expect(await client.ask('wwr:ping', NOTHING)).toMatch(/^error NOT_FOUND/);
  });

  it.each(['{', 'null', '[]', '{}', '{"extensions":"ping"}', '['.repeat(4_000)])('is refused: %j', async (body) => {
    const { client } = await start();
    expect(await client.ask('wwr:extensions', body)).toMatch(/^error BAD_REQUEST/);
    expect(await client.ask('wwr:extensions', '{"extensions":["ping"]}')).toMatch(/^utf8 /);
  });

  it('is not understood with extensions: false', async () => {
    const { client } = await start({ extensions: false });
    expect(await client.ask('wwr:extensions', '{"extensions":["ping"]}')).toMatch(/^error NOT_FOUND/);
  });
});

describe('reserved names', () => {
  it('do not reach handlers, nor fallbacks', async () => {
    const { client, gateway } = await start();
    client.signal('wwr:mine', 'x');
    expect(await client.ask('wwr:mine')).toMatch(/^error NOT_FOUND/);
    expect(await client.ask('wwr', 'x')).toBe('utf8 fallback');
    expect(gateway.log.rest).toEqual(['wwr']);
  });

  it('cannot be sent', async () => {
    const { app, gateway } = await start();
    const [connection] = gateway.connections;
    const refused = expect.objectContaining({ code: 'INVALID_FIELD', message: expect.stringContaining('reserved') });
    expect(() => connection!.signal('wwr:x', 'y')).toThrow(refused);
    expect(() => app.get(WebwireService).broadcast('wwr:busy', 'y')).toThrow(refused);
    expect(connection!.signal('wwr', 'y')).toBe(true);
  });

  it.each([WebwireRequest, WebwireSignal])('cannot be handled', (decorator) => {
    const declare = () => {
      class Reserved {
        @decorator('wwr:ping') handle() {}
      }
      return Reserved;
    };
    expect(declare).toThrow(/"wwr:ping" cannot be the name of a WebWire (request|signal).*reserved/);
  });
});

describe('cancellation', () => {
  it('reaches requests that were started before the client asked', async () => {
    const { app, client, gateway } = await start();
    client.send('watch', 'a');
    await gateway.log.take((line) => line === 'started a');
    expect(await client.ask('wwr:extensions', '{"extensions":["cancel"]}')).toMatch(/^utf8 /);
    client.signal('wwr:cancel:0100000000000000', NOTHING);
    expect(show(await client.next())).toMatch(/^error CANCELED/);
    await gateway.log.take((line) => line === 'aborted a');
    expect(await client.ask('x', 'y')).toBe('utf8 fallback');
    expect(app.logger.at('error')).toEqual([]);
  });

  it('reaches them also if they have not used their signal yet', async () => {
    const { client, gateway } = await start();
    client.send('late', 'a');
    expect(await client.ask('wwr:extensions', '{"extensions":["cancel"]}')).toMatch(/^utf8 /);
    client.signal('wwr:cancel:0100000000000000', NOTHING);
    expect(show(await client.next())).toMatch(/^error CANCELED/);
    gateway.open();
    expect(await gateway.log.take()).toBe('was aborted');
    expect(await client.ask('x', 'y')).toBe('utf8 fallback');
  });

  it('does not reach requests whose handlers have ended before the client asked', async () => {
    const { client, gateway } = await start();
    gateway.open();
    expect(await client.ask('late', 'a')).toBe('binary');
    await client.ask('wwr:extensions', '{"extensions":["cancel"]}');
    client.signal('wwr:cancel:0100000000000000', NOTHING);
    expect(await client.ask('x', 'y')).toBe('utf8 fallback');
  });

  it('reaches one request only', async () => {
    const { client, gateway } = await start();
    await client.ask('wwr:extensions', '{"extensions":["cancel"]}');
    for (const body of ['a', 'b', 'c']) client.send('watch', body);
    await gateway.log.take((line) => line === 'started c');
    for (let n = 0; n < 3; n++) client.signal('wwr:cancel:0300000000000000', NOTHING);
    expect(show(await client.next())).toMatch(/^error CANCELED/);
    await gateway.log.take((line) => line === 'aborted b');
    expect(await client.ask('x', 'y')).toBe('utf8 fallback');
    expect(gateway.log.rest).not.toContain('aborted a');
  });

  it('needs the extension', async () => {
    const { client, gateway } = await start();
    await client.ask('wwr:extensions', '{"extensions":["ping"]}');
    client.send('watch', 'a');
    client.signal('wwr:cancel:0200000000000000', NOTHING);
    expect(await client.ask('x', 'y')).toBe('utf8 fallback');
    expect(gateway.log.rest).not.toContain('aborted a');
  });
});

it('a client that sends pings and reads no replies is not read', async () => {
  const { client, socket } = await start({ maxBufferedAmount: 10_000 });
  await client.ask('wwr:extensions', '{"extensions":["ping"]}');
  client.socket.pause();
  let count = 0;
  while (!socket.isPaused()) {
    for (let n = 0; n < 5_000; n++, count++) client.send('wwr:ping', NOTHING);
    await nextTurn();
  }
  client.socket.resume();
  for (let n = 0; n < count; n++) await client.nextBytes();
  expect(await client.ask('x', 'y')).toBe('utf8 fallback');
});
