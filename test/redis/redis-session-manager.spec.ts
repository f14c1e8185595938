import { Redis } from 'ioredis';
import { Session, SessionError, WebwireGateway, WebwireModule, SessionManager } from 'nestjs-webwire';
import { RedisSessionManager, type RedisSessionManagerOptions } from 'nestjs-webwire/redis';
import { Test } from '@nestjs/testing';
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';

const CREATED = new Date('2026-11-22T08:32:02.206Z');
const STORED = '{"c":"2026-11-22T08:32:02.206Z","l":"2026-11-22T08:32:02.206Z","i":{"user":"ann"}}';

@WebwireGateway()
class Gateway {}

/** The connection that a session was created on. */
function holderOf(key: string, info?: object) {
  const session = new Session(key, { createdAt: CREATED, lastLookupAt: CREATED, info: info as never });
  return { id: 'connection', session };
}

const digest = (key: string) => createHash('sha256').update(key).digest('base64url');

describeWithRedis('a RedisSessionManager', () => {
  let redis: RedisServer;
  let admin: Redis;
  let managers: RedisSessionManager[];

  beforeEach(async () => {
    redis = await RedisServer.start();
    admin = new Redis(redis.url, { maxRetriesPerRequest: null });
    admin.on('error', () => undefined);
    managers = [];
  });
  afterEach(async () => {
    redis.resume();
    await Promise.all(managers.map((manager) => manager.onModuleDestroy()));
    admin.disconnect();
    await redis.stop();
  });

  function make(options: Partial<RedisSessionManagerOptions> = {}): RedisSessionManager {
    const manager = new RedisSessionManager({ url: redis.url, ...options });
    managers.push(manager);
    return manager;
  }

  it('returns a stored session, with the time of the lookup before this one', async () => {
    const manager = make();
    await manager.onSessionCreated(holderOf('key', { user: 'ann' }));
    const name = `webwire:sessions:${digest('key')}`;
    expect(await admin.get(name)).toBe(STORED);
    const before = Date.now();
    const record = { createdAt: CREATED, lastLookupAt: CREATED, info: { user: 'ann' } };
    expect(await manager.onSessionLookup('key')).toEqual(record);
    const second = await make().onSessionLookup('key');
    expect(second).toEqual({ ...record, lastLookupAt: expect.any(Date) });
    expect(second!.lastLookupAt.getTime()).toBeGreaterThanOrEqual(before);
    expect(await admin.keys('*')).toEqual([name]);
    expect(await admin.pttl(name)).toBe(-1);
  });

  it.each([
    ['none', undefined],
    ['nothing in it', {}],
    ['quotes, braces and line ends', { a: '","i":{}', b: '"l":"', c: 'x\n\r\u2028\0ü🎈', d: '%1 %% \\', e: '}' }],
    ['all kinds of values', { n: 1.5e300, m: -0.1, t: true, f: false, z: null, l: [], o: {}, d: [[{ a: [1] }]] }],
  ])('keeps an info with %s to the letter, lookup after lookup', async (_, info) => {
    const manager = make({ maxAge: 60_000 });
    await manager.onSessionCreated(holderOf('key', info));
    for (let lookup = 0; lookup < 3; lookup++) {
      expect((await manager.onSessionLookup('key'))!.info).toEqual(info ?? null);
    }
  });

  it('returns null for keys without a session', async () => {
    const manager = make();
    for (const key of ['', 'x', '*', '../x', '{a}', '~'.repeat(255)])
      expect(await manager.onSessionLookup(key)).toBeNull();
    await manager.onSessionClosed('x');
    await manager.onSessionCreated(holderOf('x'));
    await manager.onSessionClosed('x');
    expect(await manager.onSessionLookup('x')).toBeNull();
    expect(await admin.dbsize()).toBe(0);
  });

  it('sets the expiry of sessions anew with each lookup', async () => {
    const manager = make({ maxAge: 60_000, prefix: 'mine' });
    await manager.onSessionCreated(holderOf('key'));
    const name = `mine:${digest('key')}`;
    expect(await admin.pttl(name)).toBeGreaterThan(50_000);
    await admin.pexpire(name, 5_000);
    await manager.onSessionLookup('key');
    expect(await admin.pttl(name)).toBeGreaterThan(50_000);
    await admin.pexpire(name, 1);
    await expect.poll(() => admin.exists(name)).toBe(0);
    expect(await manager.onSessionLookup('key')).toBeNull();
  });

  it.each([
    'not JSON: key',
    '',
    '[]',
    'null',
    '{"c":"2026-11-22T08:32:02.206Z","i":null}',
    '{"c":"yesterday","l":"2026-11-22T08:32:02.206Z","i":null}',
    '{"c":"2026-11-22T08:32:02.206Z","l":"2026-11-22T08:32:02.206Z","i":"text"}',
    `${STORED}key`,
  ])('fails for a value that is no session, without quoting it: %j', async (stored) => {
    const manager = make();
    await admin.set(`webwire:sessions:${digest('key')}`, stored);
    const looking = manager.onSessionLookup('key');
    await expect(looking).rejects.toEqual(
      new SessionError('SESSION_STORE_FAILED', 'the stored content is not a session'),
    );
  });

  it('fails for a value that is no string', async () => {
    await admin.lpush(`webwire:sessions:${digest('key')}`, 'x');
    await expect(make().onSessionLookup('key')).rejects.toMatchObject({ code: 'SESSION_STORE_FAILED' });
  });

  it('does not store a session that is too large to be read', async () => {
    const creating = make().onSessionCreated(holderOf('key', { text: 'ü'.repeat(600_000) }));
    await expect(creating).rejects.toThrow(/^the session takes 1200\d+ bytes, but may take 1048576 at most$/);
    expect(await admin.dbsize()).toBe(0);
  });

  it('never brings a session back that is closed while it is looked up', async () => {
    const [one, other] = [make(), make()];
    for (let round = 0; round < 200; round++) {
      await one.onSessionCreated(holderOf('key'));
      await Promise.all([other.onSessionLookup('key'), one.onSessionClosed('key'), other.onSessionLookup('key')]);
      expect(await admin.dbsize()).toBe(0);
    }
  });

  it('fails in time while Redis is away or stalls, and works again afterwards', async () => {
    const manager = make({ commandTimeout: 200 });
    await manager.onSessionCreated(holderOf('key'));
    redis.stall();
    await expect(manager.onSessionLookup('key')).rejects.toMatchObject({ code: 'SESSION_STORE_FAILED' });
    redis.resume();
    await expect.poll(() => manager.onSessionLookup('key').catch(() => null)).not.toBeNull();
    await redis.kill();
    await expect(manager.onSessionClosed('key')).rejects.toThrow(/^cannot close the session: /);
    await redis.startAgain();
    await expect.poll(() => manager.onSessionLookup('key').catch(() => 'failed'), { timeout: 10_000 }).toBeNull();
  });

  it('uses a client as it is, and leaves it open', async () => {
    const client = new Redis(redis.url, { keyPrefix: 'app:', lazyConnect: true });
    const manager = new RedisSessionManager({ client });
    await manager.onSessionCreated(holderOf('key'));
    await manager.onModuleDestroy();
    expect(client.status).toBe('ready');
    expect(await admin.keys('*')).toEqual([`app:webwire:sessions:${digest('key')}`]);
    client.disconnect();
  });

  it('makes its connection from options', async () => {
    const manager = new RedisSessionManager({ connection: { port: redis.port, host: '127.0.0.1', keyPrefix: 'app:' } });
    managers.push(manager);
    await manager.onSessionCreated(holderOf('key'));
    expect(await admin.keys('*')).toEqual([`app:webwire:sessions:${digest('key')}`]);
  });

  it('is made by DI, with its dependencies', async () => {
    const CLIENT = Symbol('client');
    const client = new Redis(redis.url);
    class ClientModule {}
    const module = await Test.createTestingModule({
      imports: [
        WebwireModule.forRoot({
          imports: [{ module: ClientModule, providers: [{ provide: CLIENT, useValue: client }], exports: [CLIENT] }],
          sessions: {
            manager: {
              useFactory: (given: Redis) => new RedisSessionManager({ client: given, maxAge: 1_000 }),
              inject: [CLIENT],
            },
          },
        }),
      ],
      providers: [Gateway],
    }).compile();
    expect(module.get(SessionManager)).toBeInstanceOf(RedisSessionManager);
    await module.close();
    client.disconnect();
  });
});

describe('the options of a RedisSessionManager', () => {
  it.each([
    [{}, 'RedisSessionManager needs the address of Redis in exactly one of the options'],
    [{ url: 'http://localhost' }, 'RedisSessionManager.url is not shown here'],
    [{ url: 'redis://x', maxAge: 0 }, 'RedisSessionManager.maxAge is 0'],
    [{ url: 'redis://x', prefix: ' ' }, "RedisSessionManager.prefix is ' '"],
    [{ url: 'redis://x', ttl: 1 }, 'WebWire has no option RedisSessionManager.ttl'],
  ])('%j are refused', (options, message) => {
    expect(() => new RedisSessionManager(options)).toThrow(message);
  });
});
