import { CanceledError, jsonCodec, RequestError, TimeoutError, WebwireClient } from 'nestjs-webwire/client';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import type { Activity, StreamsApi } from '../../sample/07-streams/api/streams-api.js';
import { SampleProgram } from '../support/sample-program.js';

const PROMPT = 'Once upon a time';

/** A search that takes 50 seconds. */
const LONG_SEARCH = { text: 'a '.repeat(99) + 'a' };

let server: SampleProgram;
let url: string;
let client: WebwireClient<StreamsApi>;
/** Another client, which looks on. */
let observer: WebwireClient<StreamsApi>;

function connect(): WebwireClient<StreamsApi> {
  const connected = new WebwireClient<StreamsApi>(url, { webSocket: WebSocket, codec: jsonCodec });
  onTestFinished(() => connected.close());
  return connected;
}

/** Waits for a state of the server, as its clients see it. */
async function seen(isExpected: (activity: Activity) => boolean): Promise<Activity> {
  for await (const { body } of observer.stream('activity')) if (isExpected(body)) return body;
  throw new Error('the stream has ended');
}

beforeEach(async () => {
  server = new SampleProgram('07-streams', 'src/main.js');
  const [, port] = await server.says(/Open http:\/\/localhost:(\d+)\/ in a browser/);
  url = `ws://localhost:${port}`;
  client = connect();
  observer = connect();
  onTestFinished(() => server.assertNoComplaints());
});

describe('the text', () => {
  it('comes word by word, to its end', async () => {
    const words: string[] = [];
    for await (const { body } of client.stream('write', { prompt: PROMPT, words: 12 })) words.push(body);
    expect(words).toHaveLength(12);
    expect(words.join(' ')).toMatch(/^[A-Z][a-z]+( [a-z]+)+\. [A-Z][a-z]+( [a-z]+)+\.$/);
    await server.says(/Wrote all of 12 words/);
    expect(await seen(({ writers }) => writers === 0)).toMatchObject({ words: 12 });
  });

  it('is not written any further when the client leaves the loop', async () => {
    let count = 0;
    for await (const _ of client.stream('write', { prompt: PROMPT, words: 1_000 })) if (++count === 3) break;
    const [, written] = await server.says(/Stopped after (\d+) of 1000 words/);
    expect(Number(written)).toBeLessThan(1_000);
    expect(await seen(({ writers }) => writers === 0)).toMatchObject({ words: Number(written) });
  });

  it('is not written any further when the client aborts its signal', async () => {
    const stop = new AbortController();
    const stream = client.stream('write', { prompt: PROMPT, words: 1_000 }, { signal: stop.signal });
    await stream.next();
    await seen(({ writers }) => writers === 1);
    stop.abort();
    await expect(stream.next()).rejects.toBeInstanceOf(CanceledError);
    await server.says(/Stopped after \d+ of 1000 words/);
  });

  it('is not written any further when the client is gone', async () => {
    const other = connect();
    await other.stream('write', { prompt: PROMPT, words: 1_000 }).next();
    await other.close();
    await server.says(/Stopped after \d+ of 1000 words/);
  });

  it('is not written any further when the server shuts down', async () => {
    await client.stream('write', { prompt: PROMPT, words: 1_000 }).next();
    const ended = server.end('SIGTERM');
    await server.says(/Stopped after \d+ of 1000 words/);
    await ended;
  });

  it.each([
    { prompt: '', words: 1 },
    { prompt: PROMPT, words: 0 },
    { prompt: PROMPT, words: 1_001 },
  ])('is refused for %j', async (prompt) => {
    const failure: unknown = await client
      .stream('write', prompt)
      .next()
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RequestError);
    expect(failure).toMatchObject({ code: 'BAD_REQUEST' });
  });
});

describe('the prices', () => {
  it('are all sent to a client that keeps up', async () => {
    const numbers: number[] = [];
    for await (const { body } of client.stream('prices')) if (numbers.push(body.number) === 100) break;
    expect(new Set(numbers).size).toBe(100);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    await server.says(/A client has taken \d+ prices/);
  });

  it('are not taken from the market for a client that does not read them, which then gets the newest one', async () => {
    const prices = client.stream('prices');
    const first = (await prices.next()).value!.body;
    // The client takes no other one. All that it may be sent without its consent is sent, and the market goes on.
    const { prices: made } = await seen(({ taken, prices: count }) => taken === 64 && count > first.number + 200);
    expect((await seen(({ prices: count }) => count > made + 20)).taken).toBe(64);

    let previous = first;
    let gap = 0;
    for await (const { body } of prices) {
      gap = body.number - previous.number - 1;
      previous = body;
      if (body.number > made) break;
    }
    expect(gap).toBeGreaterThan(100);
  });
});

describe('the search', () => {
  it('ends with what was found', async () => {
    const { body } = await client.request('search', { text: 'engines' });
    expect(body).toEqual(['a document about engines']);
    await server.says(/A search has ended/);
  });

  it('is stopped in the archive, too, when the client aborts the request', async () => {
    const stop = new AbortController();
    const search = client.request('search', LONG_SEARCH, { signal: stop.signal });
    await seen(({ searches }) => searches === 1);
    stop.abort();
    await expect(search).rejects.toBeInstanceOf(CanceledError);
    await server.says(/A search was stopped/);
    await seen(({ searches }) => searches === 0);
  });

  it('is stopped in the archive, too, when the client no longer waits for the reply', async () => {
    await expect(client.request('search', LONG_SEARCH, { timeout: 500 })).rejects.toBeInstanceOf(TimeoutError);
    await server.says(/A search was stopped/);
  });

  it('is stopped in the archive, too, when the connection is lost', async () => {
    const socket: { current?: WebSocket } = {};
    class Recorded extends WebSocket {
      constructor(address: string) {
        super(address);
        socket.current = this;
      }
    }
    const other = new WebwireClient<StreamsApi>(url, { webSocket: Recorded, codec: jsonCodec, reconnect: false });
    await other.connect();
    const search = other.request('search', LONG_SEARCH).catch((error: { code: string }) => error.code);
    await seen(({ searches }) => searches === 1);
    socket.current!.terminate();
    expect(await search).toBe('DISCONNECTED');
    await server.says(/A search was stopped/);
  });
});
