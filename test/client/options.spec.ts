import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { InvalidOptionError, WebwireClient } from 'nestjs-webwire/client';
import { FakeServer } from './fake-server.js';

const { webSocket } = new FakeServer();

function create(options: object, url: unknown = 'ws://localhost'): () => WebwireClient {
  return () => new WebwireClient(url as string, { webSocket, ...options });
}

describe('a client is not made', () => {
  it.each([
    [{ requestTimeout: 0 }, 'requestTimeout is "0", but must be a number of milliseconds of at least 1, or Infinity'],
    [{ requestTimeout: '5' }, 'requestTimeout is "5", but must be a number of milliseconds of at least 1, or Infinity'],
    [{ dialTimeout: NaN }, 'dialTimeout is "NaN", but must be a number of milliseconds of at least 1, or Infinity'],
    [{ livenessTimeout: 0 }, 'livenessTimeout is "0", but must be a number of milliseconds of at least 1, or Infinity'],
    [{ extensions: 'no' }, 'extensions is "no", but must be true or false'],
    [{ subProtocolName: 5 }, 'subProtocolName is "5", but must be a string'],
    [{ codec: { encode() {} } }, 'codec is "object", but must be an object with encode, decode'],
    [{ reconnect: 'yes' }, 'reconnect is "yes", but must be true, false or an object of delays'],
    [
      { reconnect: { minDelay: 0 } },
      'reconnect.minDelay is "0", but must be a number of milliseconds of at least 1, or Infinity',
    ],
    [
      { reconnect: { maxDelay: -1 } },
      'reconnect.maxDelay is "-1", but must be a number of milliseconds of at least 1, or Infinity',
    ],
    [{ reconnect: { factor: 0.5 } }, 'reconnect.factor is "0.5", but must be a number of at least 1, or Infinity'],
    [{ reconnect: { jitter: 2 } }, 'reconnect.jitter is "2", but must be a number from 0 to 1'],
    [
      { sessionStorage: {} },
      'sessionStorage is "object", but must be false or an object with getItem, setItem, removeItem',
    ],
    [{ maxQueuedRequests: 0 }, 'maxQueuedRequests is "0", but must be a number of at least 1, or Infinity'],
    [{ headers: 'secret' }, 'headers is "string", but must be a function or an object of strings'],
    [{ headers: { authorization: 5 } }, 'headers is "object", but must be a function or an object of strings'],
    [{ headers: new Headers() }, 'headers is "object", but must be a function or an object of strings'],
    [{ headers: new Map() }, 'headers is "object", but must be a function or an object of strings'],
    [{ headers: [] }, 'headers is "object", but must be a function or an object of strings'],
    [{ onConnect: {} }, 'onConnect is "object", but must be a function'],
    [{ retryOn: true }, 'retryOn is "true", but must be a function'],
    [{ syncTabs: 1 }, 'syncTabs is "1", but must be true or false'],
    [{ webSocket: 'ws' }, 'webSocket is "ws", but must be a constructor'],
  ])('with %o', (options, message) => {
    expect(create(options)).toThrow(new InvalidOptionError(`WebWire option ${message}`));
  });

  it.each([
    [
      { timeout: 5 },
      'timeout',
      'headers, codec, subProtocolName, requestTimeout, dialTimeout, livenessTimeout, extensions, trace, reconnect, retryOn, onConnect, maxQueuedRequests, sessionStorage, syncTabs, webSocket, contract, validate',
    ],
    [{ reconnect: { delay: 5 } }, 'reconnect.delay', 'minDelay, maxDelay, factor, jitter'],
    [JSON.parse('{"__proto__": 1}') as object, '__proto__', 'headers, .*'],
  ])('with options that there are not: %o', (options, name, names) => {
    expect(create(options)).toThrow(
      new RegExp(`^WebWire option ${name} is .*, but must be left out: the options are ${names}$`),
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
    ['http://localhost:80', 'ws://localhost/'],
    ['https://localhost:444', 'wss://localhost:444/'],
    [new URL('ws://localhost/a'), 'ws://localhost/a'],
  ])('for %s', async (url, dialed) => {
    const server = new FakeServer();
    const client = new WebwireClient(url, { webSocket: server.webSocket });
    void client.connect().catch(() => undefined);
    expect((await server.dialed()).url).toBe(dialed);
    await client.close();
  });

  it('relative URLs in a web page', async () => {
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
