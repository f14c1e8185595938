import * as fc from 'fast-check';
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CARRIAGES } from './carriages.js';
import { start } from './contract-app.js';
import type { ContractClient } from './contract-client.js';

type Violation = [code: string, closeCode: number, commit: (client: ContractClient) => void];

const bytes = (hex: string) => (client: ContractClient) => client.sendBytes(hex);

const VIOLATIONS: Violation[] = [
  ['EMPTY_MESSAGE', 1002, bytes('')],
  ['UNKNOWN_TYPE', 1002, bytes('07')],
  ['TRUNCATED', 1002, bytes('7f01')],
  ['TRAILING_BYTES', 1002, bytes('2100')],
  ['LENGTH_MISMATCH', 1002, bytes('7f 0100000000000000 ff 61')],
  ['ODD_UTF16_LENGTH', 1002, bytes('81 0100000000000000 01 61 6100')],
  ['INVALID_CHARACTER', 1002, bytes('7f 0100000000000000 01 07 61')],
  ['EMPTY_FIELD', 1002, bytes('00 0100000000000000 00 61')],
  ['TEXT_FRAME', 1003, (client) => client.sendText('text')],
  ['TEXT_FRAME', 1003, (client) => client.sendText('')],
  ['MESSAGE_TOO_LARGE', 1009, (client) => client.sendBytes(Buffer.alloc(8_193, 0x40))],
  ['MESSAGE_TOO_LARGE', 1009, (client) => client.sendText('x'.repeat(8_193))],
];

describe.each(CARRIAGES)('a violation over $name', (carriage) => {
  it.each(VIOLATIONS)('(%s) ends its connection with %i, and no other', async (code, closeCode, commit) => {
    const { app, gateway, connect } = await start(carriage);
    const [violator, bystander] = [await connect(), await connect()];
    commit(violator);
    violator.signal('note', 'not received any more');
    expect(await violator.closed).toEqual({ code: closeCode, reason: code });
    expect(await gateway.disconnects.take()).toBe('violation');
    expect(await bystander.ask('echo', 'unharmed')).toBe('utf8 unharmed');
    expect(app.logger.at('warn')).toEqual([expect.stringContaining(`(${code})`)]);
    expect(gateway.notes.rest).toEqual([]);
  });

  it.each([VIOLATIONS[2]!, VIOLATIONS[8]!, VIOLATIONS[10]!])(
    '(%s) ends the connection after running handlers have replied',
    async (code, closeCode, commit) => {
      const { app, gateway, connect } = await start(carriage);
      const client = await connect();
      client.request('wait', 'running');
      await gateway.started.take();
      commit(client);
      client.request('echo', 'not received any more');
      await app.logger.logged('warn', code);
      expect(gateway.connections[0]!.isActive).toBe(false);
      gateway.open('running');
      expect(await client.nextInShort()).toBe('utf8 running');
      expect(await client.closed).toEqual({ code: closeCode, reason: code });
      expect(client.rest).toBe(0);
    },
  );

  it('is no message as large as the buffer', async () => {
    const { connect } = await start(carriage, { messageBufferSize: 32 });
    const client = await connect();
    expect(await client.ask('length', 'x'.repeat(16))).toBe('utf8 16');
    client.request('length', 'x'.repeat(17));
    expect(await client.closed).toEqual({ code: 1009, reason: 'MESSAGE_TOO_LARGE' });
  });

  it.each([2 ** 20 + 1, 2 ** 22])('is a message of %i bytes where 1 MiB are allowed, alike or random', async (size) => {
    const { gateway, connect } = await start(carriage, { messageBufferSize: 2 ** 20 });
    for (const message of [Buffer.alloc(size, 0x40), randomBytes(size)]) {
      const client = await connect();
      client.sendBytes(message);
      expect(await client.closed).toEqual({ code: 1009, reason: 'MESSAGE_TOO_LARGE' });
      expect(await gateway.disconnects.take()).toBe('violation');
    }
  });

  it('is all that hostile bytes can be', async () => {
    const { app, connect } = await start(carriage);
    const bystander = await connect();
    const message = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .tuple(
          fc.constantFrom(0, 21, 23, 31, 32, 33, 63, 64, 65, 127, 128, 129, 191, 193),
          fc.uint8Array({ maxLength: 40 }),
        )
        .map(([type, rest]) => Uint8Array.of(type, ...rest)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 10 }), async (messages) => {
        const client = await connect();
        for (const hostile of messages) client.sendBytes(hostile);
        // An identifier that no request above has.
        client.sendBytes('80 a1b2c3d4e5f60718 04 6563686f 6f6b');
        let outcome: string | number | undefined;
        while (outcome === undefined) {
          const [next] = await Promise.allSettled([client.nextBytes()]);
          if (next.status === 'rejected') outcome = (await client.closed).code;
          else if (Buffer.from(next.value).toString('hex') === 'c0a1b2c3d4e5f607186f6b') outcome = 'answered';
        }
        expect(['answered', 1002]).toContain(outcome);
        client.terminate();
      }),
      { numRuns: 25 },
    );
    expect(await bystander.ask('echo', 'unharmed')).toBe('utf8 unharmed');
    expect(app.logger.at('error')).toEqual([]);
  });
});
