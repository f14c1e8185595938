import { MessageBody } from '@nestjs/websockets';
import { WebwireGateway, WebwireRequest, type DisconnectReason } from 'nestjs-webwire';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Queue } from '../support/queue.js';
import { TcpClient } from '../support/tcp-client.js';
import { TestApp } from '../support/test-app.js';

@WebwireGateway()
class Gateway {
  readonly disconnects = new Queue<DisconnectReason>();

  @WebwireRequest('e') echo(@MessageBody() body: Buffer) {
    return body;
  }
  handleDisconnect(_connection: unknown, reason: DisconnectReason) {
    this.disconnects.push(reason);
  }
}

let app: TestApp;
let client: TcpClient;
const clients: TcpClient[] = [];

beforeEach(async () => {
  app = await TestApp.start({ providers: [Gateway] });
  client = await TcpClient.upgrade(app.port);
  clients.push(client);
});
afterEach(async () => {
  // These clients answer no close frame, so the server would wait for a timeout.
  for (const { socket } of clients.splice(0)) socket.destroy();
  await app.close();
});

/** Request `e` with one byte, masked with zeros, which leave it readable. */
const request = (byte: string) => `828c 00000000 7f 0100000000000000 01 65 ${byte}`;
/** Its reply. */
const reply = (byte: string) => `820a bf 0100000000000000 ${byte}`;

function send(...frames: string[]): void {
  client.send(latin1(...frames));
}

/** Waits for exactly these frames, one after the other. */
async function expectFrames(...frames: string[]): Promise<void> {
  await client.received(latin1(...frames));
}

function latin1(...frames: string[]): string {
  return Buffer.from(frames.join('').replaceAll(' ', ''), 'hex').toString('latin1');
}

describe('frames', () => {
  it('are answered in their order, pings among them', async () => {
    send(request('61'), '8982 00000000 7069', request('62'), '8980 00000000', request('63'));
    await expectFrames(reply('61'), '8a02 7069', reply('62'), '8a00', reply('63'));
  });

  it('may hold a part of a message each, with others in between', async () => {
    send('0283 00000000 7f0100', '8981 00000000 21', '0085 00000000 0000000000', '8a80 00000000', '0080 00000000');
    send('8084 00000000 00 01 65 7a');
    await expectFrames('8a01 21', reply('7a'));
  });

  it('may arrive byte by byte', async () => {
    for (const byte of latin1(request('61'), request('62'))) {
      client.send(byte);
      await new Promise(setImmediate);
    }
    await expectFrames(reply('61'), reply('62'));
  });

  it('may have any mask, and length fields that are longer than necessary', async () => {
    send('82fe000c ff00ff00 8001ff00 ff00ff00 ff01 9a61');
    await expectFrames(reply('61'));
    send('82ff000000000000000c 01020304 7e03030401020304 01036666');
    await expectFrames(reply('62'));
  });
});

describe('a close frame', () => {
  it.each([
    ['without anything', '8880 00000000', '8800'],
    ['with a code', '8882 00000000 03e8', '8802 03e8'],
    ['with a code of its own and a reason', '8885 00000000 0bb8 627965', '8805 0bb8 627965'],
    ['that stands for a failure', '8882 00000000 03ea', '8802 03ea'],
  ])('%s is answered alike, and nothing after it is read', async (_what, frame, answer) => {
    send(request('61'), frame, request('62'));
    expect((await client.ended).endsWith(latin1(reply('61'), answer))).toBe(true);
    client.socket.end();
    expect(await app.get(Gateway).disconnects.take()).toBe('client-close');
  });
});

describe('a frame that must not be', () => {
  const REFUSED = latin1('880f 03ea', Buffer.from('INVALID_FRAME').toString('hex'));

  it.each([
    ['is not masked', '8202 7f01'],
    ['has the first reserved bit', 'c280 00000000'],
    ['has the second reserved bit', 'a280 00000000'],
    ['has the third reserved bit', '9280 00000000'],
    ['is of an unknown kind', '8380 00000000'],
    ['is of an unknown kind about the connection', '8b80 00000000'],
    ['continues nothing', '8080 00000000'],
    ['begins a message within another', '0281 00000000 7f 8281 00000000 7f'],
    ['is a ping in pieces', '0980 00000000'],
    ['is a ping of 126 bytes', '89fe007e 00000000'],
    ['closes with half a code', '8881 00000000 03'],
    ['closes with a code that is not for the wire', '8882 00000000 03ed'],
    ['closes with a code that does not exist', '8882 00000000 0000'],
  ])('(it %s) ends the connection, after the replies before it', async (_what, frame) => {
    send(request('61'), frame, request('62'));
    expect((await client.ended).endsWith(latin1(reply('61')) + REFUSED)).toBe(true);
    client.socket.end();
    expect(await app.get(Gateway).disconnects.take()).toBe('violation');
  });

  it.each([
    ['two bytes', '82fe2001'],
    ['eight bytes', '82ff0000000000002001'],
    ['more than numbers can tell', '82ff8000000000000000'],
    ['a later part of a message', '02fe2000 00000000'.padEnd(17 + 2 * 0x2000, '0'), '8081'],
  ])('is refused as soon as it announces too much, in %s', async (_how, ...frames) => {
    send(...frames);
    expect((await client.ended).endsWith(latin1('8813 03f1', Buffer.from('MESSAGE_TOO_LARGE').toString('hex')))).toBe(
      true,
    );
    client.socket.end();
    expect(await app.get(Gateway).disconnects.take()).toBe('violation');
  });
});

describe('an upgrade request', () => {
  const FIELDS = {
    Host: 'localhost',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  };

  async function ask(fields: Record<string, string | undefined>, method = 'GET'): Promise<string> {
    const tcp = await TcpClient.connect(app.port);
    clients.push(tcp);
    const lines = Object.entries({ ...FIELDS, ...fields }).filter(([, value]) => value !== undefined);
    tcp.send(`${method} / HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
    return tcp.received('\r\n\r\n');
  }

  it('is accepted as in RFC 6455, with any additional header', async () => {
    const fields = { 'Sec-WebSocket-Protocol': 'chat , superchat', 'Sec-WebSocket-Extensions': 'permessage-deflate' };
    const [head] = (await ask(fields)).split('\r\n\r\n');
    expect(head!.split('\r\n')).toEqual([
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
    ]);
  });

  it.each([
    ['no key', 400, { 'Sec-WebSocket-Key': undefined }],
    ['a short key', 400, { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ' }],
    ['another version', 426, { 'Sec-WebSocket-Version': '12' }],
    ['the version of drafts', 426, { 'Sec-WebSocket-Version': '8' }],
    ['the version twice', 400, { 'Sec-WebSocket-Version': '13, 13' }],
    ['no version', 400, { 'Sec-WebSocket-Version': undefined }],
    ['a sub-protocol twice', 400, { 'Sec-WebSocket-Protocol': 'chat, chat' }],
    ['a sub-protocol that is none', 400, { 'Sec-WebSocket-Protocol': 'chat room' }],
  ])('with %s is refused with %i', async (_what, status, fields: Record<string, string | undefined>) => {
    expect(await ask(fields)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  it('of another version gets the version of the server', async () => {
    expect(await ask({ 'Sec-WebSocket-Version': '99' })).toContain('Sec-WebSocket-Version: 13\r\n');
  });

  it('that is no GET is refused with 405', async () => {
    expect(await ask({}, 'POST')).toMatch(/^HTTP\/1\.1 405 /);
  });
});
