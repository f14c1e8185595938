import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import {
  FileSessionManager,
  jsonCodec,
  MemorySessionManager,
  SessionKeyGenerator,
  SessionManager,
  WebwireConnection,
  WebwireGateway,
  WebwireRequest,
  type Session,
  type SessionOptions,
} from 'nestjs-webwire';
import { MessageType } from 'nestjs-webwire/protocol';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { TestApp } from '../support/test-app.js';
import type { WireClient } from '../support/wire-client.js';
import { temporaryDirectory } from './temporary-directory.js';

@WebwireGateway({ codec: jsonCodec })
class Gateway {
  connection!: WebwireConnection;

  handleConnection(connection: WebwireConnection) {
    this.connection = connection;
  }
  @WebwireRequest('create') async create(
    @ConnectedSocket() connection: WebwireConnection,
    @MessageBody() info: object,
  ) {
    await connection.createSession(info);
  }
}

let app: TestApp;

async function start(sessions: SessionOptions, messageBufferSize?: number): Promise<WebwireConnection> {
  app = await TestApp.start({ providers: [Gateway] }, { sessions, messageBufferSize });
  await app.connect();
  return app.get(Gateway).connection;
}

afterEach(async () => {
  vi.useRealTimers();
  await app.close();
});

/** The answer to a request that restores a session: its type, or the session. */
async function restore(client: WireClient, key: string): Promise<unknown> {
  client.sendBytes(`200900000000000000${Buffer.from(key).toString('hex')}`);
  const message = await client.next();
  return message.type === MessageType.ReplyUtf8 ? JSON.parse(Buffer.from(message.payload).toString()) : message.type;
}

/** Makes the key that a test sets. */
function keys(...wanted: string[]): SessionKeyGenerator {
  return { generate: () => wanted.shift() ?? 'spare-key' };
}

describe('a session that just fits its client', () => {
  const SIZE = 200;
  /** The length of the JSON of a session with the key `key` and the info `{"x":""}`. */
  const BARE = JSON.stringify({ k: 'key', c: new Date(), l: new Date(), i: { x: '' } }).length;
  /** The type and the identifier of the reply that restores a session. */
  const HEADER = 9;

  it('can be restored', async () => {
    const connection = await start({ manager: new MemorySessionManager(), keyGenerator: keys('key') }, SIZE);
    const info = { x: 'x'.repeat(SIZE - HEADER - BARE) };
    await connection.createSession(info);
    expect(await restore(await app.connect(), 'key')).toMatchObject({ k: 'key', i: info });
  });

  it.each([1, 2, 7, 8, 9])(
    'is refused with %i bytes more, though the first eight would fit SessionCreated',
    async (more) => {
      const connection = await start({ manager: new MemorySessionManager(), keyGenerator: keys('key') }, SIZE);
      const creating = connection.createSession({ x: 'x'.repeat(SIZE - HEADER - BARE + more) });
      await expect(creating).rejects.toMatchObject({ code: 'BUFFER_OVERFLOW' });
      expect(connection.session).toBeNull();
      expect(await restore(await app.connect(), 'key')).toBe(MessageType.ReplySessionNotFound);
    },
  );

  it.each([
    ['a long key', 'k'.repeat(250), { x: '' }],
    ['a key that JSON escapes', '"'.repeat(60), { x: '' }],
    ['characters of several bytes', 'key', { x: 'ї'.repeat(60) }],
    ['characters that JSON escapes', 'key', { x: '\u0000'.repeat(20) }],
  ])('is refused with %s that does not fit', async (_, key, info) => {
    const connection = await start({ manager: new MemorySessionManager(), keyGenerator: keys(key) }, SIZE);
    await expect(connection.createSession(info)).rejects.toMatchObject({ code: 'BUFFER_OVERFLOW' });
    expect(connection.session).toBeNull();
  });
});

describe('a session that its manager could not return', () => {
  it.each([
    ['a slash', 'a/b'],
    ['dots', '..'],
    ['a blank', 'a b'],
    ['the name of a device', 'NUL'],
    ['too many characters for a file', 'x'.repeat(248)],
  ])('is refused by the FileSessionManager when its key has %s', async (_, key) => {
    const directory = join(temporaryDirectory(), 'sessions');
    const connection = await start({ directory, keyGenerator: keys(key) });
    const creating = connection.createSession();
    await expect(creating).rejects.toMatchObject({ code: 'INVALID_SESSION_KEY' });
    await expect(creating).rejects.toThrow('FileSessionManager takes 1 to 247 of A–Z a–z 0–9 - _ =');
    expect(connection.session).toBeNull();
    expect(readdirSync(directory)).toEqual([]);
    // No file is left.
    await connection.createSession();
    expect(connection.session!.key).toBe('spare-key');
  });

  it('is refused by the FileSessionManager when it takes more than 1 MiB', async () => {
    const directory = temporaryDirectory();
    const connection = await start({ manager: new FileSessionManager({ directory }) }, 4 * 1024 * 1024);
    const creating = connection.createSession({ x: 'x'.repeat(1024 * 1024) });
    await expect(creating).rejects.toMatchObject({ code: 'INVALID_SESSION_INFO' });
    await expect(creating).rejects.toThrow(/^the session takes 10\d+ bytes, but may take 1048576 at most$/);
    expect(connection.session).toBeNull();
  });

  it('is refused by a manager of the application, before anything is sent', async () => {
    class PickyManager extends MemorySessionManager {
      override assertStorable({ info }: Session): void {
        if (info?.user === undefined) throw new Error('a session needs a user');
      }
    }
    const connection = await start({ manager: new PickyManager() });
    await expect(connection.createSession({})).rejects.toThrow('a session needs a user');
    expect(connection.session).toBeNull();
    await connection.createSession({ user: 'ada' });
    expect(connection.session!.info).toEqual({ user: 'ada' });
  });

  it('is refused when the clock is beyond the years of RFC 3339', async () => {
    const connection = await start({ manager: new MemorySessionManager() });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('+010000-01-01T00:00:00Z') });
    await expect(connection.createSession()).rejects.toThrow('createdAt is not in the years 0 to 9999');
    expect(connection.session).toBeNull();
  });

  it.each(['-000001-01-01T00:00:00Z', '+010000-01-01T00:00:00Z'])('is not restored when it is of %s', async (time) => {
    class OldManager extends MemorySessionManager {
      override onSessionLookup() {
        return { createdAt: new Date(time), lastLookupAt: new Date() };
      }
    }
    await start({ manager: new OldManager() });
    expect(await restore(await app.connect(), 'key')).toBe(MessageType.ReplyInternalError);
    expect(await app.logger.logged('error', 'onSessionLookup failed')).toContain('not in the years 0 to 9999');
  });
});

it('gives a manager the logger of the application once, before its hooks', async () => {
  const calls: string[] = [];
  class TalkativeManager extends SessionManager {
    override useLogger(logger: { warn(text: string): void }) {
      calls.push('useLogger');
      logger.warn('from the manager');
    }
    onSessionCreated() {
      calls.push('onSessionCreated');
    }
    onSessionLookup() {
      return null;
    }
    onSessionClosed() {}
  }
  const connection = await start({ manager: TalkativeManager });
  await connection.createSession();
  expect(calls).toEqual(['useLogger', 'onSessionCreated']);
  expect(app.logger.at('warn')).toEqual([expect.stringContaining('from the manager')]);
});
