import { Test } from '@nestjs/testing';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import {
  MemorySessionManager,
  RequestError,
  UseHandshakeGuards,
  WebwireGateway,
  WebwireModule,
  WebwireRequest,
  WebwireStream,
  type WebwireConnection,
  type WebwireModuleOptions,
} from 'nestjs-webwire';
import { jsonCodec, type WebwireClient } from 'nestjs-webwire/client';
import { createTestClient, recordedFrames, type TestClientOptions } from 'nestjs-webwire/testing';
import { expect, it, onTestFinished, vi } from 'vitest';

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl';

@WebwireGateway()
class EchoGateway {
  @WebwireRequest('echo')
  echo(@MessageBody() body: unknown) {
    return body;
  }

  @WebwireRequest('bytes')
  bytes() {
    return Uint8Array.of(0, 1, 254, 255);
  }

  @WebwireRequest('refuse')
  refuse(@MessageBody() reason: string) {
    throw new RequestError('REFUSED', reason);
  }

  @WebwireRequest('fail')
  fail() {
    throw new Error('failed');
  }

  @WebwireRequest('signIn')
  async signIn(@ConnectedSocket() connection: WebwireConnection) {
    await connection.createSession({ user: 'ada', refreshToken: 'r-1234' });
    return connection.session!.key;
  }

  @WebwireRequest('key')
  key(@ConnectedSocket() { session }: WebwireConnection) {
    return `your key is ${session!.key}`;
  }

  @WebwireRequest('ask')
  ask(@ConnectedSocket() connection: WebwireConnection) {
    connection.signal('asked', 'you?');
  }

  @WebwireRequest('headers')
  headers(@ConnectedSocket() { request }: WebwireConnection) {
    return JSON.stringify([request.url, request.headers]);
  }

  @WebwireStream('letters')
  async *letters(@MessageBody() word: string) {
    yield* word;
  }

  @WebwireStream('passwords')
  async *passwords() {
    yield 'hunter2';
  }

  @WebwireRequest('close')
  close(@ConnectedSocket() connection: WebwireConnection) {
    void connection.close({ code: 4001, reason: `bye ${JWT}` });
  }
}

class NobodyGuard {
  canActivate() {
    return false;
  }
}

@UseHandshakeGuards(NobodyGuard)
@WebwireGateway({ path: '/closed' })
class ClosedGateway {}

async function start(sessions: WebwireModuleOptions['sessions'] = {}) {
  const module = await Test.createTestingModule({
    imports: [WebwireModule.forRoot({ sessions: { manager: new MemorySessionManager(), ...sessions } })],
    providers: [EchoGateway, ClosedGateway],
  }).compile();
  const app = await module.createNestApplication({ logger: false }).init();
  onTestFinished(() => app.close());
  return app;
}

async function connect(options: TestClientOptions = {}) {
  const app = await start();
  const client = createTestClient(app, { gateway: EchoGateway, recordFrames: true, ...options });
  await client.connect();
  return client;
}

/** The lines without times, except those of the connection and of the negotiation of extensions. */
function messagesOf(client: WebwireClient): string[] {
  return recordedFrames(client)
    .map((line) => line.replace(/^ *\d+ ms {1,2}/, ''))
    .filter((line) => !/^ *(?:connect|← AcceptConf)|wwr:extensions/.test(line));
}

it('has a line for each message, with time, direction, type, number, name and payload', async () => {
  const client = await connect();
  await client.request('echo', 'Hello!');
  const lines = recordedFrames(client);
  for (const line of lines) expect(line).toMatch(/^ *\d+ ms {1,3}\S/);
  expect(lines.map((line) => line.replace(/^ *\d+ ms/, '0 ms'))).toEqual([
    '0 ms   connecting to ws://localhost/',
    '0 ms   connected',
    '0 ms ← AcceptConf 2.0, readTimeout 60000 ms, messageBufferSize 8192 bytes',
    '0 ms → Request #1 "echo": "Hello!" (utf8, 6 bytes)',
    '0 ms ← Reply #1 "echo": "Hello!" (utf8, 6 bytes)',
  ]);
});

it('shows objects and arrays of JSON without quotes, and the bytes of binary payloads', async () => {
  const client = await connect({ codec: jsonCodec });
  await client.request('echo', { name: 'Ada', tags: [1, true] });
  await client.request('bytes');
  expect(messagesOf(client)).toEqual([
    '→ Request #1 "echo": {"name":"Ada","tags":[1,true]} (utf8, 30 bytes)',
    expect.stringMatching(/^← Reply #1 "echo": /),
    '→ Request #2 "bytes"',
    '← Reply #2 "bytes": 00 01 fe ff (binary, 4 bytes)',
  ]);
});

it('shows JSON as it was sent: with its white space, and all digits of its numbers', async () => {
  const client = await connect();
  const text = '{ "id": 12345678901234567890, "price": 1.0 }';
  await client.request('echo', text);
  expect(messagesOf(client)[0]).toBe(`→ Request #1 "echo": ${text} (utf8, 44 bytes)`);
});

it('shows signals in both directions, failures, and requests without names', async () => {
  const client = await connect();
  await client.signal('hint', 'there');
  await client.request('ask');
  await client.request('refuse', 'too "late"').catch(() => {});
  await client.request('fail').catch(() => {});
  await client.request('', 'anyone').catch(() => {});
  expect(messagesOf(client)).toEqual([
    '→ Signal "hint": "there" (utf8, 5 bytes)',
    '→ Request #1 "ask"',
    '← Signal "asked": "you?" (utf8, 4 bytes)',
    '← Reply #1 "ask"',
    '→ Request #2 "refuse": "too \\"late\\"" (utf8, 10 bytes)',
    '← ReplyError #2 "refuse": REFUSED "too \\"late\\""',
    '→ Request #3 "fail"',
    '← ReplyInternalError #3 "fail"',
    '→ Request #4 "": "anyone" (utf8, 6 bytes)',
    expect.stringMatching(/^← Reply\w+ #4 "": /),
  ]);
});

it('shows the request to which an item of a stream belongs', async () => {
  const client = await connect();
  for await (const _ of client.stream('letters', 'ab'));
  const id = /Request (#\d+) "letters"/.exec(messagesOf(client).join('\n'))![1];
  expect(messagesOf(client)).toEqual([
    `→ Request ${id} "letters": "ab" (utf8, 2 bytes)`,
    `← Signal "wwr:item:${id}": "a" (utf8, 1 byte)`,
    `← Signal "wwr:item:${id}": "b" (utf8, 1 byte)`,
    `← Reply ${id} "letters"`,
  ]);
});

it('shows how connections begin and end', async () => {
  const client = await connect({ reconnect: { minDelay: 1, jitter: 0 } });
  const reconnected = new Promise((resolve) => client.on('connected', resolve));
  await client.request('close');
  await reconnected;
  await client.close();
  expect(recordedFrames(client).map((line) => line.slice(10))).toEqual([
    expect.stringMatching(/^ {2}connecting/),
    '  connected',
    expect.stringMatching(/^← AcceptConf/),
    '→ Request #1 "close"',
    '← Reply #1 "close"',
    '← closed 4001 "bye …"',
    expect.stringMatching(/^ {2}connecting/),
    '  connected',
    expect.stringMatching(/^← AcceptConf/),
    '→ close 1000',
    '← closed 1000',
  ]);
});

it('shows why a connection was not made', async () => {
  const app = await start();
  const client = createTestClient(app, { gateway: ClosedGateway, recordFrames: true });
  await client.connect().catch(() => {});
  expect(recordedFrames(client).map((line) => line.slice(10))).toEqual([
    '  connecting to ws://localhost/closed',
    expect.stringMatching(/^ {2}not connected: ".+"$/),
    '← closed 1006',
  ]);
});

it('escapes characters that change the output of a terminal', async () => {
  const client = await connect();
  await client.request('echo', 'a\u0007\u202e\u{1f600}\u2028');
  expect(messagesOf(client)[0]).toBe('→ Request #1 "echo": "a\\u0007\\u{202e}\u{1f600}\\u{2028}" (utf8, 12 bytes)');
});

it('cuts long payloads', async () => {
  const client = await connect();
  await client.request('echo', 'a'.repeat(5_000));
  await client.request('echo', new Uint8Array(100));
  expect(messagesOf(client)[0]).toBe(`→ Request #1 "echo": "${'a'.repeat(200)}…" (utf8, 5000 bytes)`);
  expect(messagesOf(client)[2]).toBe(`→ Request #2 "echo": ${'00 '.repeat(24)}… (binary, 100 bytes)`);
});

it('keeps the last 1 000 entries', async () => {
  const client = await connect();
  for (let count = 1; count <= 600; count++) await client.request('echo', String(count));
  const lines = recordedFrames(client);
  expect(lines).toHaveLength(1_001);
  expect(lines[0]).toBe('(203 earlier entries are not kept)');
  expect(lines.at(-1)).toContain('← Reply #600 "echo": "600"');
});

it('shows the time by which a test advances fake timers', async () => {
  const client = await connect();
  vi.useFakeTimers();
  try {
    await vi.advanceTimersByTimeAsync(20_000);
    await client.request('echo', 'late');
  } finally {
    vi.useRealTimers();
  }
  expect(Number.parseInt(recordedFrames(client).at(-1)!)).toBeGreaterThanOrEqual(20_000);
});

it('never contains a session key', async () => {
  const app = await start();
  const client = createTestClient(app, { gateway: EchoGateway, recordFrames: true });
  await client.connect();
  const { bytes } = await client.request('signIn', 'ada:lovelace');
  const { key } = client.session!;
  expect(bytes).not.toHaveLength(0);
  await client.request('key');
  await client.request('echo', new TextEncoder().encode(key));
  const other = createTestClient(app, { gateway: EchoGateway, recordFrames: true });
  await other.connect();
  await other.restoreSession(key);
  await other.request('echo', key);
  await other.closeSession();
  const record = [...messagesOf(client), ...messagesOf(other)];
  expect(record.join('\n')).not.toContain(key);
  expect(record).toContain('← Reply #2 "key": "your key is …" (utf8, 76 bytes)');
  expect(record).toContain('→ Request #3 "echo": … (binary, 64 bytes)');
  expect(record).toContain('→ RequestRestoreSession #1 …');
  expect(record).toContainEqual(
    expect.stringMatching(/^← SessionCreated \{"k":"…","c":".+","l":".+","i":\{"user":"ada","refreshToken":"…"\}\}$/),
  );
});

it('does not contain the session keys of other clients', async () => {
  const app = await start();
  const options = { gateway: EchoGateway, recordFrames: true };
  const [ada, eve] = [createTestClient(app, options), createTestClient(app, options)];
  await Promise.all([ada.connect(), eve.connect()]);
  await ada.request('signIn');
  await eve.request('echo', `her key is ${ada.session!.key}`);
  expect(messagesOf(eve)).toEqual([
    '→ Request #1 "echo": "her key is …" (utf8, 75 bytes)',
    '← Reply #1 "echo": "her key is …" (utf8, 75 bytes)',
  ]);
});

it.each(['a "quoted" key', 'back\\slash', 'k1'])('does not contain a session key of another form: %s', async (key) => {
  const app = await start({ keyGenerator: { generate: () => key } });
  const client = createTestClient(app, { gateway: EchoGateway, recordFrames: true, codec: jsonCodec });
  await client.connect();
  await client.request('signIn');
  await client.request('echo', [key, encodeURIComponent(key)]);
  expect(messagesOf(client).at(-2)).toContain('→ Request #2 "echo": ["…","…"] (');
});

it('does not contain the payloads of requests whose names are those of secrets, and of their replies', async () => {
  const client = await connect();
  await client.request('signIn', 'ada:lovelace');
  for await (const _ of client.stream('passwords'));
  for (const name of ['auth', 'authorize', 'login', 'auth.log_in', 'resetPassword', 'token', 'setCookie', 'sign-up']) {
    await client.request(name, 'ada:lovelace').catch(() => {});
    await client.signal(name, 'ada:lovelace');
  }
  const record = messagesOf(client).join('\n');
  expect(record).not.toMatch(/lovelace|hunter2/);
  expect(record).toContain('→ Request #1 "signIn": … (utf8, 12 bytes)');
  expect(record).toContain('← Reply #1 "signIn": … (utf8, 64 bytes)');
});

it('contains the payloads of requests whose names only look like it', async () => {
  const client = await connect();
  for (const name of ['authors', 'opinion', 'compass', 'signal']) await client.signal(name, 'shown');
  expect(messagesOf(client)).toEqual(
    ['authors', 'opinion', 'compass', 'signal'].map((name) => `→ Signal "${name}": "shown" (utf8, 5 bytes)`),
  );
});

it.each([
  ['{"user":"ada","password":"hunter2"}', '{"user":"ada","password":"…"}'],
  ['[{"deep":{"accessToken":{"value":"hunter2"}}}]', '[{"deep":{"accessToken":"…"}}]'],
  [
    '{"apiKey":["hunter2"],"api_key":"hunter2","client-secret":"hunter2"}',
    '{"apiKey":"…","api_key":"…","client-secret":"…"}',
  ],
  ['{"pin":"hunter2","otp":"hunter2","Set-Cookie":"hunter2"}', '{"pin":"…","otp":"…","Set-Cookie":"…"}'],
  [`{"note":"${JWT}"}`, '{"note":"…"}'],
  [`use ${JWT} now`, '"use … now"'],
  ['Bearer hunter2', '"Bearer …"'],
])('does not contain the secret in %s', async (text, shown) => {
  const client = await connect();
  await client.request('echo', text);
  expect(messagesOf(client)[0]).toContain(`→ Request #1 "echo": ${shown} (`);
  expect(messagesOf(client)[1]).toContain(`← Reply #1 "echo": ${shown} (`);
});

it('does not contain values of the query, and of headers whose names are those of secrets', async () => {
  const client = await connect({
    query: { ticket: 'hunter2', room: 'main', state: 'abcdefghijkl' },
    headers: { authorization: 'Basic aHVudGVyMg==', 'x-api-key': 'key-5678', 'x-tenant': 'acme' },
  });
  await client.request('headers');
  await client.request('echo', 'hunter2 main abcdefghijkl aHVudGVyMg== key-5678 acme');
  expect(recordedFrames(client)[0]).toMatch(/ connecting to ws:\/\/localhost\/\?ticket=…&room=…&state=…$/);
  expect(messagesOf(client)[1]).toMatch(
    /\["\/\?ticket=…&room=main&state=…",\{"authorization":"…".*"x-api-key":"…".*"x-tenant":"acme"/,
  );
  expect(messagesOf(client)[2]).toContain('"… main … … … acme"');
});

it('does not contain cookies, but the words of other headers', async () => {
  const client = await connect({ headers: { cookie: 'sid=s-1234; theme=dark', Authorization: 'Token t-1234' } });
  await client.request('echo', 's-1234 t-1234 sid theme dark Token');
  expect(messagesOf(client)[0]).toContain('"… … sid theme dark Token"');
});

it('does not contain headers that a function returns', async () => {
  const client = await connect({ headers: async () => ({ Authorization: 'Token fresh-1234' }) });
  await client.request('echo', 'fresh-1234');
  expect(messagesOf(client)[0]).toContain('"…"');
});

it('is an error to ask for if the client does not record', async () => {
  const client = await connect({ recordFrames: false });
  expect(() => recordedFrames(client)).toThrow('set WEBWIRE_TRACE=1, or pass recordFrames: true');
});

it('is switched on by a boolean only', async () => {
  await expect(connect({ recordFrames: 'yes' as unknown as boolean })).rejects.toThrow(
    'WebWire option recordFrames is of type string, but must be a boolean',
  );
});

it('is made by all clients if WEBWIRE_TRACE is 1', async () => {
  vi.stubEnv('WEBWIRE_TRACE', '1');
  onTestFinished(() => void vi.unstubAllEnvs());
  const client = await connect({ recordFrames: false });
  expect(recordedFrames(client)).toHaveLength(3);
});
