import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { InvalidOptionError, WebwireClient } from 'nestjs-webwire/client';
import { FakeServer } from './fake-server.js';

const { webSocket } = new FakeServer();

function create(options: object, url: unknown = 'ws://localhost'): () => WebwireClient {
  return () => new WebwireClient(url as string, { webSocket, ...options });
}

describe('a client is not made', () => {
  it.each([
    [{ requestTimeout: 0 }, 'requestTimeout is "0", but must be of type number from 1 to Infinity'],
    [{ requestTimeout: '5' }, 'requestTimeout is "5", but must be of type number from 1 to Infinity'],
    [{ dialTimeout: NaN }, 'dialTimeout is "NaN", but must be of type number from 1 to Infinity'],
    [{ subProtocolName: 5 }, 'subProtocolName is "5", but must be of type string'],
    [{ codec: { encode() {} } }, 'codec is "object", but must be of type object with decode, encode'],
    [{ reconnect: 'yes' }, 'reconnect is "yes", but must be of type boolean'],
    [{ reconnect: { minDelay: 0 } }, 'reconnect.minDelay is "0", but must be of type number from 1 to Infinity'],
    [{ reconnect: { maxDelay: -1 } }, 'reconnect.maxDelay is "-1", but must be of type number from 1 to Infinity'],
    [{ reconnect: { factor: 0.5 } }, 'reconnect.factor is "0.5", but must be of type number from 1 to Infinity'],
    [{ reconnect: { jitter: 2 } }, 'reconnect.jitter is "2", but must be of type number from 0 to 1'],
    [
      { sessionStorage: {} },
      'sessionStorage is "object", but must be of type object with getItem, setItem, removeItem',
    ],
    [{ webSocket: 'ws' }, 'webSocket is "ws", but must be of type function'],
  ])('with %o', (options, message) => {
    expect(create(options)).toThrow(new InvalidOptionError(`WebWire option ${message}`));
  });

  it.each([
    [
      { timeout: 5 },
      'timeout',
      'codec, subProtocolName, requestTimeout, dialTimeout, reconnect, sessionStorage, webSocket',
    ],
    [{ reconnect: { delay: 5 } }, 'reconnect.delay', 'minDelay, maxDelay, factor, jitter'],
    [JSON.parse('{"__proto__": 1}') as object, '__proto__', 'codec, .*'],
  ])('with options that there are not: %o', (options, name, names) => {
    expect(create(options)).toThrow(
      new RegExp(`^WebWire option ${name} is .*, but must be left out: there are ${names}$`),
    );
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
    ['http://localhost:80', 'http://localhost/'],
    ['https://localhost:444', 'https://localhost:444/'],
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
    expect((await server.dialed()).url).toBe('https://example.com/chat');
    await client.close();
  });
});

it('options that are undefined count as absent', () => {
  expect(create({ requestTimeout: undefined, codec: undefined, reconnect: { minDelay: undefined } })).not.toThrow();
});
