import { MemorySessionManager, WebwireConnection, WebwireGateway, WebwireRequest, type Cluster } from 'nestjs-webwire';
import { afterEach, expect, it } from 'vitest';
import { TestApp } from '../support/test-app.js';
import { describe as show, type WireClient } from '../support/wire-client.js';

const KEY = 'a-key-that-must-not-be-logged';

@WebwireGateway()
class Gateway {
  @WebwireRequest('x') x() {
    return 'x';
  }
  @WebwireRequest('create') async create(connection: WebwireConnection) {
    await connection.createSession();
  }
}

/** A cluster of one node whose session membership works, except for the methods that a test replaces. */
function clusterWith(places: Partial<Record<keyof Cluster['places'], () => unknown>>): Cluster {
  return {
    places: {
      take: () => Promise.resolve('taken'),
      leave: () => Promise.resolve(),
      close: () => Promise.resolve(true),
      closeAll: () => Promise.resolve({ connections: 0, isLast: false }),
      closeUnheld: () => Promise.resolve(false),
      count: () => Promise.resolve(0),
      ...(places as Partial<Cluster['places']>),
    },
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    publish() {},
    join() {},
    leave() {},
    synchronized: () => Promise.resolve(),
  };
}

let app: TestApp;

async function connect(places: Parameters<typeof clusterWith>[0]): Promise<WireClient> {
  const manager = new MemorySessionManager();
  app = await TestApp.start({ providers: [Gateway] }, { cluster: clusterWith(places), sessions: { manager } });
  return app.connect();
}

afterEach(() => app.close());

const restore = (key: string) => `20${'07'.repeat(8)}${Buffer.from(key).toString('hex')}`;

it.each<[string, () => unknown, string]>([
  ['rejects with an Error', () => Promise.reject(new Error(`boom at ${KEY}`)), 'boom at [session key]'],
  // eslint-disable-next-line typescript/prefer-promise-reject-errors -- applications do
  ['rejects with nothing', () => Promise.reject(), 'thrown: undefined'],
  [
    'throws',
    () => {
      throw new RangeError('at once');
    },
    'at once',
  ],
  ['resolves with nothing', () => Promise.resolve(), 'answered undefined instead of'],
  ['resolves with something else', () => Promise.resolve(true), 'answered true instead of'],
])('a restore is answered with an internal error when the cluster %s', async (_how, take, logged) => {
  const client = await connect({ take });
  client.sendBytes(restore(KEY));
  expect(show(await client.next())).toBe('internal error');
  const line = await app.logger.logged('error', 'Joining a session failed');
  expect(line).toContain(logged);
  expect(line).not.toContain(KEY);
  expect(await client.ask('x')).toBe('utf8 x');
});

it('a client that closes its session gets the confirmation even if the cluster fails', async () => {
  const client = await connect({ close: () => Promise.reject(new Error('boom')) });
  client.send('create');
  await client.next();
  await client.next();
  client.sendBytes(`1f${'07'.repeat(8)}`);
  expect(show(await client.next())).toBe('binary');
  expect(await app.logger.logged('error', 'Closing a session failed')).toContain('boom');
});

it('a handler gets the failure of a cluster as an error', async () => {
  const client = await connect({ take: () => Promise.reject(new Error('boom')) });
  expect(await client.ask('create')).toBe('internal error');
  expect(await app.logger.logged('error', 'Request "create" failed')).toContain('boom');
});
