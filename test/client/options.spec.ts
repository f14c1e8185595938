import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { InvalidOptionError, WebwireClient } from 'nestjs-webwire/client';
import { FakeServer } from './fake-server.js';

const { webSocket } = new FakeServer();

function create(options: object, url: unknown = 'ws://localhost'): () => WebwireClient {
  return () => new WebwireClient(url as string, { webSocket, ...options });
}

describe('a client is not made', () => {
  it.each([
    [{ requestTimeout: 0 }, 'requestTimeout is "0", but must be 1 to 2147483647 milliseconds, or Infinity'],
    [{ requestTimeout: '5' }, 'requestTimeout is "5", but must be 1 to 2147483647 milliseconds, or Infinity'],
    [{ dialTimeout: Infinity }, 'dialTimeout is "Infinity", but must be 1 to 2147483647 milliseconds'],
    [{ dialTimeout: NaN }, 'dialTimeout is "NaN", but must be 1 to 2147483647 milliseconds'],
    [{ subProtocolName: 5 }, 'subProtocolName is "5", but must be a string'],
    [{ codec: { encode() {} } }, 'codec is an object, but must be a PayloadCodec'],
    [{ reconnect: 'yes' }, 'reconnect is "yes", but must be a boolean or an object'],
    [{ reconnect: { minDelay: 0 } }, 'reconnect.minDelay is "0", but must be 1 to 2147483647 milliseconds'],
    [{ reconnect: { maxDelay: -1 } }, 'reconnect.maxDelay is "-1", but must be 1 to 2147483647 milliseconds'],
    [{ reconnect: { factor: 0.5 } }, 'reconnect.factor is "0.5", but must be 1 to Infinity'],
    [{ reconnect: { jitter: 2 } }, 'reconnect.jitter is "2", but must be 0 to 1'],
    [{ sessionStorage: {} }, 'sessionStorage is an object, but must be a Storage, or false'],
    [{ webSocket: 'ws' }, `webSocket is "ws", but must be a constructor such as WebSocket of the package 'ws'`],
  ])('with %o', (options, message) => {
    expect(create(options)).toThrow(new InvalidOptionError(`WebWire option ${message}`));
  });

  it.each([
    [{ timeout: 5 }, 'timeout'],
    [{ reconnect: { delay: 5 } }, 'reconnect.delay'],
    [JSON.parse('{"__proto__": 1}') as object, '__proto__'],
  ])('with options that there are not: %o', (options, name) => {
    expect(create(options)).toThrow(`WebWire has no option ${name}`);
  });

  it.each(['', 'localhost', 'ftp://localhost', 'ws://', null, 5, {}])('for the URL %o', (url) => {
    expect(create({}, url)).toThrow(InvalidOptionError);
  });

  it('and a secret in the URL stays one', () => {
    expect(create({}, 'nowhere?token=secret')).toThrow('url is "nowhere", but must be a WebSocket URL');
  });
});

describe('a client dials', () => {
  it.each([
    ['ws://localhost', 'ws://localhost/'],
    ['wss://localhost/chat?room=1', 'wss://localhost/chat?room=1'],
    ['http://localhost:80', 'ws://localhost/'],
    ['https://localhost:444', 'wss://localhost:444/'],
    ['ws://localhost/#top', 'ws://localhost/'],
    [new URL('ws://localhost/a'), 'ws://localhost/a'],
  ])('for %s', async (url, dialed) => {
    const server = new FakeServer();
    const client = new WebwireClient(url, { webSocket: server.webSocket });
    void client.connect().catch(() => undefined);
    expect((await server.dialed()).url).toBe(dialed);
    await client.close();
  });

  it('relative URLs where there is a page', async () => {
    vi.stubGlobal('location', { href: 'https://example.com/rooms/1' });
    onTestFinished(() => void vi.unstubAllGlobals());
    const server = new FakeServer();
    const client = new WebwireClient('/chat', { webSocket: server.webSocket });
    void client.connect().catch(() => undefined);
    expect((await server.dialed()).url).toBe('wss://example.com/chat');
    await client.close();
  });
});

it('options that are undefined count as absent', () => {
  expect(create({ requestTimeout: undefined, codec: undefined, reconnect: { minDelay: undefined } })).not.toThrow();
});
