import { WebSocketServer } from '@nestjs/websockets';
import {
  SessionManager,
  WebwireGateway,
  WebwireRequest,
  type Origins,
  type WebwireModuleOptions,
  type WebwireServer,
} from 'nestjs-webwire';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { refusal } from '../support/refusal.js';
import { TcpClient, UPGRADE } from '../support/tcp-client.js';
import { TestApp } from '../support/test-app.js';
import { WireClient } from '../support/wire-client.js';

@WebwireGateway()
class Gateway {
  @WebSocketServer() server!: WebwireServer;
  @WebwireRequest('echo') echo(_connection: unknown, body: string) {
    return body;
  }
}

@WebwireGateway({ path: '/other' })
class Other {
  @WebwireRequest('echo') echo() {}
}

let app: TestApp;

async function start(options: WebwireModuleOptions = {}) {
  app = await TestApp.start({ providers: [Gateway, Other] }, options);
}

afterEach(() => app.close());

/** Connects a client with this `Origin`, and returns the result. */
async function connectFrom(origin: string | undefined, path = '/'): Promise<string> {
  const url = app.url(path);
  const options = origin === undefined ? {} : { origin };
  const client = WireClient.connect(url, options).then((connected) => connected.close());
  return client.then(
    () => 'connected',
    () => refusal(url, options),
  );
}

describe('maxConnections', () => {
  it('refuses clients above it, and accepts them when others have gone', async () => {
    await start({ maxConnections: 2 });
    const { server } = app.get(Gateway);
    const [first] = [await app.connect(), await app.connect()];
    expect(await refusal(app.url())).toBe('503 too many connections');
    const left = once(server, 'disconnection');
    await first.close();
    await left;
    const third = await app.connect();
    expect(await third.ask('echo', 'in')).toBe('utf8 in');
    expect(await refusal(app.url())).toBe('503 too many connections');
    expect(server.connections.size).toBe(2);
  });

  it('applies to each server', async () => {
    await start({ maxConnections: 1 });
    await app.connect('/');
    await app.connect('/other');
    expect(await refusal(app.url('/'))).toBe('503 too many connections');
    expect(await refusal(app.url('/other'))).toBe('503 too many connections');
  });

  it('can be set for one gateway', async () => {
    await start({ gateways: { Other: { maxConnections: 1 } } });
    await app.connect('/other');
    expect(await refusal(app.url('/other'))).toBe('503 too many connections');
    await app.connect('/');
    await app.connect('/');
  });

  it('holds for many clients at once', async () => {
    await start({ maxConnections: 5 });
    const attempts = Array.from({ length: 40 }, () => app.connect());
    const outcomes = await Promise.allSettled(attempts);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
  });

  it('does not count clients whose upgrade fails', async () => {
    await start({ maxConnections: 1 });
    const broken = await TcpClient.connect(app.port);
    broken.send(UPGRADE.replace('Sec-WebSocket-Key', 'X-Something'));
    expect(await broken.ended).toContain('400 Bad Request');
    await app.connect();
  });
});

describe('origins', () => {
  const global = /^https:\/\/[a-z]+\.example\.com$/g;

  it.each<[string, Origins | undefined, string | undefined, boolean]>([
    ['none', undefined, 'https://anywhere.example', true],
    ['a string', 'https://example.com', 'https://example.com', true],
    ['a string in capitals', 'https://EXAMPLE.com', 'HTTPS://example.COM', true],
    ['a string, but another port', 'https://example.com', 'https://example.com:8443', false],
    ['a string, but more of it', 'https://example.com', 'https://example.com.evil.example', false],
    ['a string, but no Origin', 'https://example.com', undefined, true],
    ['a RegExp', /^https:\/\/[a-z]+\.example\.com$/, 'https://chat.example.com', true],
    ['a RegExp that does not match', /^https:\/\/[a-z]+\.example\.com$/, 'https://example.org', false],
    ['an array', ['https://a.example', /b\.example$/], 'https://b.example', true],
    ['an array without it', ['https://a.example', /b\.example$/], 'https://c.example', false],
    ['an empty array', [], 'https://a.example', false],
    ['the null origin', 'null', 'null', true],
    ['the null origin of others', 'https://example.com', 'null', false],
    ['a function', (origin) => origin === 'https://a.example', 'https://a.example', true],
    ['a function that refuses', (origin) => origin === 'https://a.example', 'https://b.example', false],
    ['a function that wants an Origin', (origin) => origin !== undefined, undefined, false],
  ])('(%s) accept only the clients that they match', async (_what, origins, origin, isLetIn) => {
    await start({ origins });
    expect(await connectFrom(origin)).toBe(isLetIn ? 'connected' : '403 origin not allowed');
  });

  it('may be a global RegExp, which matches the second time, too', async () => {
    await start({ origins: global });
    for (let n = 0; n < 3; n++) expect(await connectFrom('https://chat.example.com')).toBe('connected');
  });

  it.each<[string, (origin?: string) => boolean, string | RegExp]>([
    [
      'fails',
      () => {
        throw new Error('no database');
      },
      'no database',
    ],
    [
      'answers with a promise',
      (() => Promise.resolve(true)) as never,
      // Node.js shows further properties of promises if the process uses asynchronous hooks.
      /returned Promise \{\s+true[^]*\} instead of a boolean/,
    ],
    [
      'answers with a promise that rejects',
      (() => Promise.reject(new Error('no database'))) as never,
      'instead of a boolean',
    ],
    ['forgets to answer', (() => undefined) as never, 'returned undefined instead of a boolean'],
  ])('accept no client if the function %s, which is logged', async (_how, origins, message) => {
    await start({ origins });
    expect(await connectFrom('https://a.example')).toBe('500 internal server error');
    expect(await app.logger.logged('error', 'A handshake failed')).toMatch(message);
  });

  it('are those of the gateway', async () => {
    await start({ origins: 'https://a.example', gateways: { Other: { origins: 'https://b.example' } } });
    expect(await connectFrom('https://a.example', '/')).toBe('connected');
    expect(await connectFrom('https://a.example', '/other')).toBe('403 origin not allowed');
    expect(await connectFrom('https://b.example', '/other')).toBe('connected');
  });
});

describe('on a port of its own', () => {
  async function port(options: WebwireModuleOptions = {}) {
    await start({ ...options, gateways: { Gateway: { port: 0 } } });
    return (app.get(Gateway).server.address as AddressInfo).port;
  }

  it.each([
    ['says nothing', ''],
    ['sends half a request', UPGRADE.slice(0, 30)],
  ])('a client that %s is disconnected after handshakeTimeout', async (_what, text) => {
    const client = await TcpClient.connect(await port({ handshakeTimeout: 20 }));
    client.send(text);
    expect(await client.ended).toContain('408 Request Timeout');
  });

  it('a connection outlives handshakeTimeout', async () => {
    const own = await port({ handshakeTimeout: 300 });
    const client = await app.connect('/', own);
    const late = await TcpClient.connect(own);
    await late.ended;
    expect(await client.ask('echo', 'still here')).toBe('utf8 still here');
  });

  it('a request with too long a header is refused', async () => {
    const client = await TcpClient.connect(await port());
    client.send(UPGRADE.replace('Host:', `X-Long: ${'x'.repeat(17_000)}\r\nHost:`));
    expect(await client.ended).toContain('431 Request Header Fields Too Large');
  });
});

describe('a message that is too large', () => {
  const GIBIBYTE = '0000000040000000';
  const MASK = '00000000';

  it.each([
    ['in its header', (client: WireClient) => client.writeRaw(`82ff${GIBIBYTE}${MASK}`)],
    ['in a later frame', (client: WireClient) => client.writeRaw(`0281${MASK}7f80ff${GIBIBYTE}${MASK}`)],
    ['as text', (client: WireClient) => client.writeRaw(`81ff${GIBIBYTE}${MASK}`)],
    ['beyond any number', (client: WireClient) => client.writeRaw(`82ffffffffffffffffff${MASK}`)],
  ])('is refused as soon as its length is announced: %s', async (_where, announce) => {
    await start();
    const client = await app.connect();
    announce(client);
    expect(await client.closed).toEqual({ code: 1009, reason: 'MESSAGE_TOO_LARGE' });
  });
});

it('an invalid session key is not looked up', async () => {
  const asked: number[] = [];
  class Manager extends SessionManager {
    onSessionCreated() {}
    onSessionClosed() {}
    onSessionLookup(key: string) {
      asked.push(key.length);
      return null;
    }
  }
  await start({ sessions: { manager: new Manager() } });
  const client = await app.connect();
  for (const length of [255, 256, 8_000]) {
    client.sendBytes(Buffer.concat([Buffer.from('200000000000000001', 'hex'), Buffer.alloc(length, 'k')]));
    expect((await client.nextBytes()).toString('hex')).toBe('030000000000000001');
  }
  expect(asked).toEqual([255]);
});
