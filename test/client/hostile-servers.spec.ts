import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { ACCEPT_CONF, connected, FakeServer, hexId, nextTurn, replyUtf8 } from './fake-server.js';
import { outcome } from './outcome.js';

let server: FakeServer;

beforeEach(() => {
  server = new FakeServer();
});

/** Makes a SessionCreated message with this info. */
function session(info: string): string {
  const time = '2026-11-22T08:38:04Z';
  return `15${Buffer.from(`{"k":"a","c":"${time}","l":"${time}","i":${info}}`).toString('hex')}`;
}

/** Messages that break the protocol, and the close frame of the client. */
const VIOLATIONS: [what: string, message: unknown, error: string, closing: string][] = [
  ['an empty message', '', 'EMPTY_MESSAGE', '4002'],
  ['a type that there is not', 'ff', 'UNEXPECTED_MESSAGE', '4002'],
  ['a truncated reply', 'c001', 'TRUNCATED', '4002'],
  ['a code that is too long for its message', `00${hexId(1)}ff61`, 'LENGTH_MISMATCH', '4002'],
  ['an error without a code', `00${hexId(1)}0061`, 'EMPTY_FIELD', '4002'],
  ['a name that is not ASCII', '4001c3', 'INVALID_CHARACTER', '4002'],
  ['a name with a control character', '40010a61', 'INVALID_CHARACTER', '4002'],
  ['UTF-16 of odd length', `c1${hexId(1)}0041`, 'ODD_UTF16_LENGTH', '4002'],
  ['a message larger than the buffer that it announced', `c0${'00'.repeat(8_192)}`, 'MESSAGE_TOO_LARGE', '4009'],
  ['the end of a session, and more', '1600', 'TRAILING_BYTES', '4002'],
  ['a session that is none', '157b7d', 'INVALID_FIELD', '4002'],
  ['a session without times', `15${Buffer.from('{"k":"a"}').toString('hex')}`, 'INVALID_FIELD', '4002'],
  ['a session that is no JSON', '1541', 'INVALID_FIELD', '4002'],
  ['a session whose info is a text', session('"user"'), 'INVALID_FIELD', '4002'],
  ['a request', `80${hexId(1)}0161`, 'UNEXPECTED_MESSAGE', '4002'],
  ['a heartbeat', '21', 'UNEXPECTED_MESSAGE', '4002'],
  ['a request to close the session', `1f${hexId(1)}`, 'UNEXPECTED_MESSAGE', '4002'],
  ['a second AcceptConf', ACCEPT_CONF, 'UNEXPECTED_MESSAGE', '4002'],
  ['a reply to a request that was never sent', replyUtf8(2), 'UNEXPECTED_MESSAGE', '4002'],
  ['a reply to request 0', replyUtf8(0), 'UNEXPECTED_MESSAGE', '4002'],
  ['a reply to a request with a huge identifier', 'c00100000000000001', 'UNEXPECTED_MESSAGE', '4002'],
];

describe('a server that sends', () => {
  it.each(VIOLATIONS)('%s loses the connection, not the client', async (_what, message, code, closing) => {
    const { client, socket } = await connected(server, { reconnect: { minDelay: 1 } });
    const told: unknown[] = [];
    client.on('disconnected', (event) => told.push(event));
    const pending = client.request('a').catch((error: Error) => error);
    socket.say(message as string);
    expect(await pending).toMatchObject({ name: 'ProtocolError', code });
    expect(await socket.closed.take()).toBe(`${closing} ${code}`);
    expect(told).toEqual([
      { error: expect.objectContaining({ code }), code: Number(closing) - 3000, reason: '', willReconnect: true },
    ]);

    const next = await server.accept();
    const reply = client.request('b');
    await next.received.take();
    next.say(replyUtf8(2, 'c'));
    expect((await reply).text()).toBe('c');
  });

  it('text loses the connection', async () => {
    const { client, socket } = await connected(server);
    const pending = outcome(client.request('a'));
    socket.deliver('hello');
    expect(await pending).toBe('TEXT_FRAME: TEXT_FRAME at byte 0');
    expect(await socket.closed.take()).toBe('4003 TEXT_FRAME');
  });

  it('something else than AcceptConf first does not get the client', async () => {
    for (const [message, code] of [
      ['400161', 'UNEXPECTED_MESSAGE'],
      [replyUtf8(1), 'UNEXPECTED_MESSAGE'],
      ['1702', 'TRUNCATED'],
      ['17'.padEnd(131_074, '0'), 'MESSAGE_TOO_LARGE'],
    ] as const) {
      const client = server.client();
      const connecting = outcome(client.connect());
      await server.accept(message);
      expect(await connecting).toMatch(`${code}: `);
    }
  });

  it('a reply twice is answered by silence', async () => {
    const { client, socket } = await connected(server);
    const reply = client.request('a');
    socket.say(replyUtf8(1, 'first'));
    socket.say(replyUtf8(1, 'second'));
    socket.say(`02${hexId(1)}`);
    expect((await reply).text()).toBe('first');
    expect(client.status).toBe('connected');
  });

  it('a reply from before the connection loses the connection', async () => {
    const { client, socket } = await connected(server, { reconnect: { minDelay: 1 } });
    const lost = outcome(client.request('a'));
    socket.end();
    await lost;
    const next = await server.accept();
    await setImmediate();
    next.say(replyUtf8(1));
    expect(await next.closed.take()).toBe('4002 UNEXPECTED_MESSAGE');
    expect(client.status).toBe('reconnecting');
  });

  it('the client ignores the end of a session that it does not have', async () => {
    const { client, socket } = await connected(server);
    const closed = vi.fn<(...args: unknown[]) => void>();
    client.on('sessionClosed', closed);
    socket.say('16');
    expect([client.status, closed.mock.calls.length]).toEqual(['connected', 0]);
  });

  it('a flood after a violation is not listened to', async () => {
    const { client, socket } = await connected(server, { reconnect: false });
    const heard = vi.fn<(...args: unknown[]) => void>();
    client.onSignal(heard);
    socket.answersClose = false;
    socket.say('ff');
    for (let index = 0; index < 1_000; index++) socket.say('400161');
    await nextTurn();
    expect(heard).not.toHaveBeenCalled();
    socket.end();
    expect(client.status).toBe('disconnected');
  });

  it.each(['00000000', '1f000000'])(
    'an AcceptConf whose buffer is too small does not get the client: %s',
    async (size) => {
      const client = server.client();
      const connecting = outcome(client.connect());
      const socket = await server.accept(`17020000000000${size}`);
      expect(await connecting).toBe('INVALID_FIELD: INVALID_FIELD at byte 7');
      expect(await socket.closed.take()).toBe('4002 INVALID_FIELD');
    },
  );

  it.each([
    ['hardly a buffer', '170200 60ea0000 20000000'],
    ['no time', '170200 00000000 00200000'],
    ['all the time there is', '170200 ffffffff ffffffff'],
  ])('an AcceptConf that leaves %s is accepted', async (_what, conf) => {
    // Without time, the client sends a heartbeat after a few milliseconds.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const client = server.client();
    const connecting = client.connect();
    const socket = await server.accept(conf.replaceAll(' ', ''));
    await connecting;
    await setImmediate();
    expect(socket.received.rest).toEqual([]);
    expect(client.status).toBe('connected');
  });
});
