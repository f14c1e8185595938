import { Payload } from 'nestjs-webwire';
import { encodeMessage, MessageType } from 'nestjs-webwire/protocol';
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { describe as show } from '../support/wire-client.js';
import { CARRIAGES } from './carriages.js';
import { start } from './contract-app.js';

/** Type, identifier and name of the request `echo`, in bytes. */
const REQUEST_HEADER = 14;

/** Type and name of the signal `mirrored`, in bytes, and its largest body in a message buffer of 1 MiB. */
const SIGNAL_HEADER = 10;
const LARGEST = 2 ** 20 - SIGNAL_HEADER;

describe.each(CARRIAGES)('a conversation over $name', (carriage) => {
  it('begins with AcceptConf', async () => {
    const options = { readTimeout: 66_051, messageBufferSize: 2 ** 20, subProtocolName: 'chat' };
    const { connect } = await start(carriage, options);
    const client = await connect({ keepAcceptConf: true });
    expect(Buffer.from(await client.nextBytes()).toString('hex')).toBe('170200030201000000100063686174');
    expect(await client.ask('echo', 'x')).toBe('utf8 x');
  });

  it.each([
    ['binary', Payload.binary(Uint8Array.of(0, 255, 128)), 'binary 00ff80'],
    ['utf8', Payload.utf8('ї 🦆'), 'utf8 ї 🦆'],
    ['utf16', Payload.utf16('ї 🦆'), 'utf16 ї 🦆'],
  ])('answers a request in %s', async (_encoding, body, reply) => {
    const { connect } = await start(carriage);
    const client = await connect();
    expect(await client.ask('echo', body)).toBe(reply);
    expect(await client.ask('', body)).toBe(reply);
  });

  it('carries identifiers and bytes unchanged', async () => {
    const { connect } = await start(carriage);
    const client = await connect();
    client.sendBytes('7f ffeeddccbbaa9988 04 6563686f 0001fe');
    expect(Buffer.from(await client.nextBytes()).toString('hex')).toBe('bfffeeddccbbaa99880001fe');
  });

  it('reports failures, and the connection stays open', async () => {
    const { app, connect } = await start(carriage);
    const client = await connect();
    expect(await client.ask('nothing')).toBe('binary');
    expect(await client.ask('refuse', 'NOT_NOW')).toBe('error NOT_NOW: refused');
    expect(await client.ask('nowhere')).toMatch(/^error NOT_FOUND: /);
    expect(await client.ask('crash')).toBe('internal error');
    expect(await app.logger.logged('error', 'SECRET')).toContain('Request "crash" failed');
    expect(await client.ask('echo', 'x')).toBe('utf8 x');
  });

  it('answers in the order in which handlers end', async () => {
    const { gateway, connect } = await start(carriage);
    const client = await connect();
    const first = client.request('wait', 'first');
    const second = client.request('wait', 'second');
    await gateway.started.take((name) => name === 'second');
    gateway.open('second');
    expect(await client.next()).toMatchObject({ type: MessageType.ReplyUtf8, id: second });
    gateway.open('first');
    expect(await client.next()).toMatchObject({ type: MessageType.ReplyUtf8, id: first });
  });

  it('has signals both ways, in order, and before the reply of the handler that sent them', async () => {
    const { connect } = await start(carriage);
    const client = await connect();
    client.signal('mirror', Payload.binary(Uint8Array.of(1)));
    client.signal('mirror', 'ї');
    client.signal('mirror', Payload.utf16('ї'));
    client.request('signals');
    client.signal('nobody listens', 'x');
    client.request('echo', 'end');
    const replies = [];
    for (let i = 0; i < 7; i++) replies.push(await client.nextInShort());
    expect(replies.slice(0, 4)).toEqual([
      'signal mirrored binary 01',
      'signal mirrored utf8 ї',
      'signal mirrored utf16 ї',
      'signal first utf8 a',
    ]);
    expect(replies.filter((reply) => reply !== 'utf8 end').slice(4)).toEqual(['signal second utf8 b', 'utf8 reply']);
  });

  it('answers many messages of one tick, each once and in order', async () => {
    const { connect } = await start(carriage);
    const [client, other] = [await connect(), await connect()];
    for (let i = 0; i < 1_000; i++) {
      client.request('echo', String(i));
      other.signal('mirror', String(-i));
    }
    for (let i = 0; i < 1_000; i++) expect(await client.nextInShort()).toBe(`utf8 ${i}`);
    for (let i = 0; i < 1_000; i++) expect(await other.nextInShort()).toBe(`signal mirrored utf8 ${-i}`);
    expect(client.rest + other.rest).toBe(0);
  });

  it.each([1, 116, 117, 118, 241, 242, 65_500, 65_526, 65_527, 65_528, 2 ** 20 - REQUEST_HEADER])(
    'carries bodies of %i bytes',
    async (size) => {
      const { connect } = await start(carriage, { messageBufferSize: 2 ** 20 });
      const client = await connect();
      for (const body of [randomBytes(size), Buffer.alloc(size, 'ab')]) {
        client.request('echo', Payload.binary(body));
        const reply = await client.next();
        if (reply.type !== MessageType.ReplyBinary) throw new Error(show(reply));
        expect(body.equals(reply.payload)).toBe(true);
      }
    },
  );

  it('keeps the order of messages that are large and small, alike and random', async () => {
    // All messages may be in flight at once.
    const { connect } = await start(carriage, { messageBufferSize: 2 ** 20, maxBufferedAmount: 2 ** 24 });
    const client = await connect();
    const sizes = [300_000, 1, 50_000, 255, 257, 2, LARGEST];
    const bodies = sizes.flatMap((size) => [Buffer.alloc(size, 'ab'), randomBytes(size)]);
    for (const body of bodies) client.signal('mirror', Payload.binary(body));
    for (const body of bodies) {
      const signal = await client.next();
      if (signal.type !== MessageType.SignalBinary) throw new Error(show(signal));
      expect(body.equals(signal.payload)).toBe(true);
    }
  });

  it('does not answer heartbeats', async () => {
    const { connect } = await start(carriage);
    const client = await connect();
    client.sendBytes(encodeMessage({ type: MessageType.Heartbeat }));
    expect(await client.ask('echo', 'x')).toBe('utf8 x');
    expect(client.rest).toBe(0);
  });

  it('continues after a message that only a server sends', async () => {
    const { connect } = await start(carriage);
    const client = await connect();
    client.sendBytes('16');
    client.sendBytes('bf0100000000000000');
    expect(await client.ask('echo', 'x')).toBe('utf8 x');
    expect(client.rest).toBe(0);
  });
});
