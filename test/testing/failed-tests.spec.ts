import { Test } from '@nestjs/testing';
import { MessageBody } from '@nestjs/websockets';
import { WebwireGateway, WebwireModule, WebwireRequest } from 'nestjs-webwire';
import type { WebwireClient } from 'nestjs-webwire/client';
import { createTestClient } from 'nestjs-webwire/testing';
import type { INestApplication } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

@WebwireGateway()
class GreetingGateway {
  @WebwireRequest('greet')
  greet(@MessageBody() name: string) {
    return `Hello ${name}!`;
  }
}

let app: INestApplication;
/** Connects before the tests. */
let shared: WebwireClient;
const print = vi.spyOn(console, 'error').mockImplementation(() => {});

beforeAll(async () => {
  vi.stubEnv('WEBWIRE_TRACE', '1');
  const module = await Test.createTestingModule({
    imports: [WebwireModule.forRoot({ sessions: false })],
    providers: [GreetingGateway],
  }).compile();
  app = await module.createNestApplication({ logger: false }).init();
  shared = createTestClient(app);
  await shared.connect();
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await app.close();
});

/** Returns what was printed since the last call, without times. */
function takePrinted(): string[] {
  const texts = print.mock.calls.map(([text]) => String(text).replaceAll(/^ *\d+ ms/gm, '0 ms'));
  print.mockClear();
  return texts;
}

async function connect(): Promise<WebwireClient> {
  const client = createTestClient(app);
  await client.connect();
  return client;
}

describe('a test that fails', () => {
  // Its messages belong to the test, too.
  afterEach(() => void shared.signal('over'));

  it.fails('with clients of its own, and one that other tests use', async () => {
    const [ada, eve] = [await connect(), await connect()];
    await ada.request('greet', 'Ada');
    await eve.request('greet', 'Eve');
    await ada.request('greet', 'Ada again');
    throw new Error('failed');
  });

  it('prints the messages of these clients in the order of time', () => {
    const [text, ...others] = takePrinted();
    expect(others).toEqual([]);
    const [title, ...lines] = text!.split('\n');
    expect(title).toBe('WebWire messages of the failed test:');
    expect(lines.filter((line) => line.includes('greet') || line.includes('over'))).toEqual([
      '0 ms client 2 → Request #1 "greet": "Ada" (utf8, 3 bytes)',
      '0 ms client 2 ← Reply #1 "greet": "Hello Ada!" (utf8, 10 bytes)',
      '0 ms client 3 → Request #1 "greet": "Eve" (utf8, 3 bytes)',
      '0 ms client 3 ← Reply #1 "greet": "Hello Eve!" (utf8, 10 bytes)',
      '0 ms client 2 → Request #2 "greet": "Ada again" (utf8, 9 bytes)',
      '0 ms client 2 ← Reply #2 "greet": "Hello Ada again!" (utf8, 16 bytes)',
      '0 ms client 1 → Signal "over"',
    ]);
  });
});

it('a test that passes prints nothing', async () => {
  const client = await connect();
  await client.request('greet', 'Ada');
  await client.close();
});

it('(the test before has printed nothing)', () => {
  expect(takePrinted()).toEqual([]);
});

it.fails('a test that fails before its client connects', () => {
  createTestClient(app);
  throw new Error('failed');
});

it('(prints nothing, as there were no messages)', () => {
  expect(takePrinted()).toEqual([]);
});

describe('a test that is repeated', () => {
  let attempts = 0;

  // The record of each attempt is tested, so this test repeats itself on purpose.
  it('and passes at last', { retry: 2 }, async () => {
    const client = await connect();
    await client.request('greet', `attempt ${++attempts}`);
    expect(attempts).toBe(3);
  });

  it('prints the messages of each attempt that failed', () => {
    expect(takePrinted()).toEqual([
      expect.stringMatching(/"attempt 1"(?![^]*attempt [23])/),
      expect.stringMatching(/"attempt 2"(?![^]*attempt [13])/),
    ]);
  });
});
