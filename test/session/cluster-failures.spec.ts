import {
  MemorySessionManager,
  WebwireConnection,
  WebwireGateway,
  type Cluster,
  type SessionMembership,
} from 'nestjs-webwire';
import { MessageType } from 'nestjs-webwire/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { TestApp } from '../support/test-app.js';

const KEY = 'the-session-key';
const RESTORE = `200900000000000000${Buffer.from(KEY).toString('hex')}`;
const CLOSE = '1f0900000000000000';

@WebwireGateway()
class Gateway {
  connection!: WebwireConnection;
  handleConnection(connection: WebwireConnection) {
    this.connection = connection;
  }
}

/** A membership that works, but for the given methods. */
function membership(methods: Partial<SessionMembership>): SessionMembership {
  return {
    take: async () => 'taken',
    leave: async () => undefined,
    close: async () => true,
    closeAll: async () => ({ connections: 1, isLast: true }),
    closeUnheld: async () => true,
    count: async () => 1,
    ...methods,
  };
}

let app: TestApp;
afterEach(() => app.close());

async function start(methods: Partial<SessionMembership>) {
  const cluster: Cluster = {
    places: membership(methods),
    start: async () => undefined,
    stop: async () => undefined,
    publish: () => undefined,
    join: () => undefined,
    leave: () => undefined,
    synchronized: async () => undefined,
  };
  const sessions = { manager: new MemorySessionManager(), keyGenerator: { generate: () => KEY } };
  app = await TestApp.start({ providers: [Gateway] }, { cluster, sessions });
  return app.connect();
}

const FAILURES: [string, () => Promise<never>][] = [
  ['rejects with an error', () => Promise.reject(new Error(`${KEY} is lost`))],
  ['rejects with something else', () => Promise.reject('no error')], // oxlint-disable-line prefer-promise-reject-errors
  [
    'throws',
    () => {
      throw new TypeError('not implemented');
    },
  ],
];

describe.each(FAILURES)('a cluster of the application that %s', (_, fail) => {
  it('does not leave a restore unanswered', async () => {
    const client = await start({ take: fail });
    client.sendBytes(RESTORE);
    expect((await client.next()).type).toBe(MessageType.ReplyInternalError);
    const line = await app.logger.logged('error', 'Counting the connections of a session failed');
    expect(line).not.toContain(KEY);
  });

  it('does not leave the closing of a session unanswered', async () => {
    const client = await start({ close: fail });
    await app.get(Gateway).connection.createSession();
    await client.next();
    client.sendBytes(CLOSE);
    expect((await client.nextBytes()).toString('hex')).toBe('bf0900000000000000');
    const line = await app.logger.logged('error', 'Closing a session failed');
    expect(line).not.toContain(KEY);
  });

  it('fails the creation of a session', async () => {
    await start({ take: fail });
    const { connection } = app.get(Gateway);
    await expect(connection.createSession()).rejects.toBeDefined();
    expect(connection.session).toBeNull();
  });
});

it.each<[unknown]>([[undefined], [true], ['nonsense']])(
  'a restore is answered with an internal error when the cluster answers %j',
  async (answer) => {
    const client = await start({ take: () => Promise.resolve(answer as 'taken') });
    client.sendBytes(RESTORE);
    expect((await client.next()).type).toBe(MessageType.ReplyInternalError);
    const line = await app.logger.logged('error', 'Counting the connections of a session failed');
    expect(line).toContain(`the cluster answered ${String(answer)} instead of`);
  },
);
