import {
  MemorySessionManager,
  WebwireConnection,
  WebwireGateway,
  type Cluster,
  WebwireService,
  type MembershipResult,
  type SessionMembership,
} from 'nestjs-webwire';
import { MessageType } from 'nestjs-webwire/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { deferred } from '../support/deferred.js';
import { Queue } from '../support/queue.js';
import { TestApp } from '../support/test-app.js';
import { describe as show } from '../support/wire-client.js';

const KEY = 'the-session-key';
const RESTORE = `200900000000000000${Buffer.from(KEY).toString('hex')}`;
const CLOSE = '1f0900000000000000';

@WebwireGateway()
class Gateway {
  connection!: WebwireConnection;
  readonly disconnects = new Queue<WebwireConnection>();
  handleConnection(connection: WebwireConnection) {
    this.connection = connection;
  }
  handleDisconnect(connection: WebwireConnection) {
    this.disconnects.push(connection);
  }
}

/** A membership that works, except for the given methods. */
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

/** @param managerTimeout In milliseconds. */
async function start(methods: Partial<SessionMembership>, others: Partial<Cluster> = {}, managerTimeout = 10_000) {
  const cluster: Cluster = {
    places: membership(methods),
    start: async () => undefined,
    stop: async () => undefined,
    publish: () => undefined,
    join: () => undefined,
    leave: () => undefined,
    synchronized: async () => undefined,
    ...others,
  };
  const sessions = { manager: new MemorySessionManager(), keyGenerator: { generate: () => KEY }, managerTimeout };
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

describe('a cluster of the application that does not answer', () => {
  const never = () => new Promise<never>(() => undefined);
  const TIMEOUT = 50;

  it('leaves no restore unanswered, nor those after it', async () => {
    const answers = [never(), Promise.resolve<MembershipResult>('taken')];
    const client = await start({ take: () => answers.shift()! }, {}, TIMEOUT);
    client.sendBytes(RESTORE);
    expect((await client.next()).type).toBe(MessageType.ReplyInternalError);
    const line = await app.logger.logged('error', 'take() of the cluster failed');
    expect(line).toContain('did not answer within 50 ms (option sessions.managerTimeout)');
    expect(line).not.toContain(KEY);
    client.sendBytes(RESTORE);
    expect((await client.next()).type).toBe(MessageType.ReplySessionNotFound);
  });

  it('is asked to give back a place that it gives too late', async () => {
    const answer = deferred<MembershipResult>();
    const left = new Queue<string>();
    const take = () => answer.promise;
    const client = await start({ take, leave: async (_session, member) => left.push(member) }, {}, TIMEOUT);
    client.sendBytes(RESTORE);
    await client.next();
    answer.resolve('taken');
    expect(await left.take()).toBe(app.get(Gateway).connection.id);
  });

  it('fails the creation of a session', async () => {
    await start({ take: never }, {}, TIMEOUT);
    const { connection } = app.get(Gateway);
    await expect(connection.createSession()).rejects.toMatchObject({ code: 'CLUSTER_UNAVAILABLE' });
    expect(connection.session).toBeNull();
  });

  it('does not leave the closing of a session unanswered', async () => {
    const client = await start({ close: never, closeAll: never }, {}, TIMEOUT);
    await app.get(Gateway).connection.createSession();
    await client.next();
    client.sendBytes(CLOSE);
    expect((await client.nextBytes()).toString('hex')).toBe('bf0900000000000000');
    await expect(app.get(WebwireService).closeSession(KEY)).rejects.toMatchObject({ code: 'CLUSTER_UNAVAILABLE' });
  });

  it('does not hold up a connection that changes its session', async () => {
    const client = await start({ leave: never }, {}, TIMEOUT);
    client.sendBytes(RESTORE);
    expect((await client.next()).type).toBe(MessageType.ReplySessionNotFound);
    await app.get(Gateway).connection.createSession();
    expect((await client.next()).type).toBe(MessageType.SessionCreated);
    await app.logger.logged('error', 'leave() of the cluster failed');
  });
});

describe.each([
  [
    'throws',
    () => {
      throw new Error('lost');
    },
  ],
  ['rejects', () => Promise.reject(new Error('lost')) as never],
])('a cluster of the application whose methods without a result fail: one %s', (_, failing) => {
  it('stops neither signals nor groups of its own node, and is logged', async () => {
    const presence = { entries: async () => [], count: async () => [], watch: failing, changed: failing };
    const client = await start({}, { publish: failing, join: failing, leave: failing, presence });
    const webwire = app.get(WebwireService);
    const { connection, disconnects } = app.get(Gateway);
    webwire.on('joined', () => undefined);
    webwire.join(connection, 'group');
    expect(webwire.signalGroup('group', 'news', 'x')).toBe(1);
    expect(show(await client.next())).toBe('signal news utf8 x');
    await client.close();
    expect(await disconnects.take()).toBe(connection);
    expect(await webwire.countMembers('group')).toBe(0);
    for (const method of ['publish', 'join', 'leave', 'presence.watch', 'presence.changed']) {
      await app.logger.logged('error', `${method}() of the cluster failed`);
    }
  });
});
