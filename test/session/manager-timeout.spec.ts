import {
  MemorySessionManager,
  SessionKeyGenerator,
  SessionManager,
  WebwireConnection,
  WebwireGateway,
  WebwireService,
  type SessionOptions,
  type SessionRecord,
} from 'nestjs-webwire';
import { MessageType } from 'nestjs-webwire/protocol';
import { once } from 'node:events';
import { setImmediate as passIo } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { deferred, type Deferred } from '../support/deferred.js';
import { TestApp } from '../support/test-app.js';
import type { WireClient } from '../support/wire-client.js';

type Hook = 'created' | 'lookup' | 'closed';

/** A store in which single calls can be delayed until a test continues them. */
class SlowManager extends SessionManager {
  readonly store = new MemorySessionManager();
  readonly calls: Hook[] = [];
  /** The calls to delay, each once. */
  readonly held = new Map<Hook, Deferred>();

  hold(hook: Hook): Deferred {
    const hold = deferred();
    this.held.set(hook, hold);
    return hold;
  }

  async onSessionCreated({ id, session }: WebwireConnection) {
    await this.#called('created');
    this.store.onSessionCreated({ id, session });
  }
  async onSessionLookup(key: string): Promise<SessionRecord | null> {
    await this.#called('lookup');
    return this.store.onSessionLookup(key);
  }
  async onSessionClosed(key: string) {
    await this.#called('closed');
    this.store.onSessionClosed(key);
  }

  async #called(hook: Hook) {
    this.calls.push(hook);
    const hold = this.held.get(hook);
    this.held.delete(hook);
    await hold?.promise;
  }
}

@WebwireGateway()
class Gateway {
  readonly connections: WebwireConnection[] = [];
  handleConnection(connection: WebwireConnection) {
    this.connections.push(connection);
  }
}

/** In ms. Far longer than a pause of a busy machine, as calls without a delay must not time out. */
const TIMEOUT = 250;

let app: TestApp;
let manager: SlowManager;

async function start(options: SessionOptions = {}): Promise<{ client: WireClient; connection: WebwireConnection }> {
  manager = new SlowManager();
  app = await TestApp.start(
    { providers: [Gateway] },
    { sessions: { manager, managerTimeout: TIMEOUT, keyGenerator: { generate: () => 'the-session-key' }, ...options } },
  );
  const client = await app.connect();
  return { client, connection: app.get(Gateway).connections[0]! };
}

afterEach(() => {
  vi.useRealTimers();
  return app.close();
});

function ask(client: WireClient, key = 'the-session-key'): void {
  client.sendBytes(`200900000000000000${Buffer.from(key).toString('hex')}`);
}

async function restore(client: WireClient, key?: string): Promise<MessageType> {
  ask(client, key);
  return (await client.next()).type;
}

const late = (hook: string) =>
  `${hook} of the session manager did not answer within ${TIMEOUT} ms (option sessions.managerTimeout)`;

describe('when the session manager does not answer', () => {
  it('a restore is answered with an internal error, and the next one succeeds', async () => {
    const { connection } = await start();
    await connection.createSession();
    const other = await app.connect();
    manager.hold('lookup');
    expect(await restore(other)).toBe(MessageType.ReplyInternalError);
    const line = await app.logger.logged('error', 'onSessionLookup failed');
    expect(line).toContain(late('onSessionLookup'));
    expect(line).not.toContain('the-session-key');
    expect(await restore(other)).toBe(MessageType.ReplyUtf8);
    expect(await restore(await app.connect())).toBe(MessageType.ReplyUtf8);
    expect(app.get(WebwireService).sessionConnections('the-session-key')).toHaveLength(3);
  });

  it('other sessions are restored meanwhile', async () => {
    const { client } = await start({ managerTimeout: 60_000 });
    const hold = manager.hold('lookup');
    ask(client);
    const other = await app.connect();
    while (manager.calls.length === 0) await restore(other, 'another');
    expect(await restore(other, 'another')).toBe(MessageType.ReplySessionNotFound);
    hold.resolve();
    expect((await client.next()).type).toBe(MessageType.ReplySessionNotFound);
  });

  it('all restores that wait for a lookup are answered at its timeout', async () => {
    const { client } = await start({ managerTimeout: 1_000 });
    // With a fake clock, the requests arrive at the same time, so they have the same deadline.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const hold = manager.hold('lookup');
    for (let request = 0; request < 10; request++) ask(client);
    // The pong shows that the server has read the requests.
    client.socket.ping();
    await once(client.socket, 'pong');
    while (manager.calls.length === 0) await passIo();
    vi.advanceTimersByTime(1_000);
    for (let request = 0; request < 10; request++) {
      expect((await client.next()).type).toBe(MessageType.ReplyInternalError);
    }
    expect(manager.calls).toEqual(['lookup']);
    expect(app.logger.at('error').filter((line) => line.includes('onSessionLookup was not called'))).toHaveLength(9);
    hold.resolve();
    expect(await restore(client)).toBe(MessageType.ReplySessionNotFound);
  });

  it('a lookup that succeeds late gives no connection the session', async () => {
    const { connection } = await start();
    await connection.createSession();
    const other = await app.connect();
    const hold = manager.hold('lookup');
    expect(await restore(other)).toBe(MessageType.ReplyInternalError);
    hold.resolve();
    expect(await restore(other, 'unknown')).toBe(MessageType.ReplySessionNotFound);
    expect(app.get(Gateway).connections[1]!.session).toBeNull();
    expect(app.get(WebwireService).sessionConnections('the-session-key')).toEqual([connection]);
  });

  it('a new session stays active, which is logged, and can be restored once it is stored', async () => {
    const { connection } = await start();
    const hold = manager.hold('created');
    await connection.createSession({ user: 'ada' });
    expect(connection.session?.info).toEqual({ user: 'ada' });
    expect(await app.logger.logged('error', 'onSessionCreated failed')).toContain(late('onSessionCreated'));
    expect(await restore(await app.connect())).toBe(MessageType.ReplySessionNotFound);
    hold.resolve();
    expect(await restore(await app.connect())).toBe(MessageType.ReplyUtf8);
  });

  it('a session that is stored after it was closed is destroyed again', async () => {
    const { connection } = await start();
    const hold = manager.hold('created');
    await connection.createSession();
    await connection.closeSession();
    expect(manager.calls).toEqual(['created', 'closed']);
    hold.resolve();
    await expect.poll(() => manager.calls).toEqual(['created', 'closed', 'closed']);
    expect(await restore(await app.connect())).toBe(MessageType.ReplySessionNotFound);
    expect(manager.store.size).toBe(0);
  });

  it('a session that fails to be stored late is logged', async () => {
    const { connection } = await start();
    const hold = manager.hold('created');
    await connection.createSession();
    hold.reject(new Error('the-session-key is lost'));
    const line = await app.logger.logged('error', 'onSessionCreated, which answered after its timeout, failed');
    expect(line).toContain('[session key] is lost');
  });

  it('closeSession() fails, and the connection no longer has a session', async () => {
    const { connection } = await start();
    await connection.createSession();
    const hold = manager.hold('closed');
    await expect(connection.closeSession()).rejects.toMatchObject({ code: 'SESSION_STORE_FAILED' });
    expect(connection.session).toBeNull();
    expect(await app.logger.logged('error', 'onSessionClosed failed')).toContain(late('onSessionClosed'));
    hold.resolve();
    await expect.poll(() => manager.store.size).toBe(0);
    expect(manager.calls).toEqual(['created', 'closed']);
  });

  it('a client gets the confirmation that its session is closed', async () => {
    const { client, connection } = await start();
    await connection.createSession();
    await client.next();
    manager.hold('closed');
    client.sendBytes('1f0900000000000000');
    expect((await client.nextBytes()).toString('hex')).toBe('bf0900000000000000');
  });

  it('closing a session on all connections fails, and can be repeated', async () => {
    const { connection } = await start();
    await connection.createSession();
    manager.hold('closed');
    const service = app.get(WebwireService);
    await expect(service.closeSession('the-session-key')).rejects.toMatchObject({ code: 'SESSION_STORE_FAILED' });
    expect(await service.closeSession('the-session-key')).toBe(0);
  });

  it('a shutdown waits no longer than its timeout', async () => {
    const { client } = await start();
    manager.hold('lookup');
    ask(client);
    await expect.poll(() => manager.calls).toEqual(['lookup']);
    await app.app.close();
    expect(app.logger.at('warn')).toEqual([]);
  });

  it('promises of other libraries time out, too', async () => {
    const { connection } = await start();
    // oxlint-disable-next-line unicorn/no-thenable
    const never = { then: () => undefined } as unknown as Promise<void>;
    manager.onSessionCreated = () => never;
    await connection.createSession();
    expect(await app.logger.logged('error', 'onSessionCreated failed')).toContain(late('onSessionCreated'));
  });
});

describe('when the key generator does not answer', () => {
  it('createSession() fails, and the next one succeeds', async () => {
    let calls = 0;
    class SlowKeys extends SessionKeyGenerator {
      generate(): Promise<string> {
        return ++calls === 1 ? new Promise<string>(() => undefined) : Promise.resolve('a-key');
      }
    }
    const { connection } = await start({ keyGenerator: SlowKeys });
    const creating = connection.createSession();
    await expect(creating).rejects.toMatchObject({ code: 'INVALID_SESSION_KEY' });
    await expect(creating).rejects.toThrow(`made no key within ${TIMEOUT} ms (option sessions.managerTimeout)`);
    await connection.createSession();
    expect(connection.session?.key).toBe('a-key');
  });
});

describe('managerTimeout', () => {
  it.each([0, -1, 0.5, 2 ** 31, Infinity, Number.NaN, '1', null])('cannot be %o', async (managerTimeout) => {
    await expect(
      TestApp.start({ providers: [Gateway] }, { sessions: { managerTimeout: managerTimeout as number } }),
    ).rejects.toThrow('sessions.managerTimeout');
    await start();
  });
});
