import { spawn } from 'node:child_process';
import { on, once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { encodeMessage, MessageType, Payload, type ProtocolMessage } from 'nestjs-webwire/protocol';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { describe as show, WireClient } from '../support/wire-client.js';

/** Compiled by `npm run build:sample`, and using the built package, as a user would. */
const compiled = (file: string) =>
  fileURLToPath(new URL(`../../.sample/04-custom-session-store/src/${file}`, import.meta.url));

interface Session {
  k: string;
  c: string;
  l: string;
  i?: unknown;
}

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'webwire-session-store-'));
  // Registered first, so done last: after the processes that use it have ended.
  onTestFinished(() => rm(directory, { recursive: true }));
});

/** Starts the application as a process of its own; all of them in one test have the same database. */
async function start() {
  const server = spawn(process.execPath, [compiled('main.js')], {
    env: { ...process.env, PORT: '0', NO_COLOR: '1', DATABASE_FILE: join(directory, 'sessions.db') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(server, 'exit');
  onTestFinished(async () => {
    server.kill('SIGKILL');
    await ended;
  });
  let output = '';
  let url: string | undefined;
  for await (const [chunk] of on(server.stdout, 'data', { close: ['end'] })) {
    output += String(chunk);
    url = /npm run client:session-store -- (ws:\/\/localhost:\d+)\n/.exec(output)?.[1];
    if (url) break;
  }
  if (!url) throw new Error(`the application did not start: ${output}`);
  server.stdout.resume();
  return {
    url,
    connect: () => connect(url),
    async stop() {
      server.kill('SIGTERM');
      const [, signal] = (await ended) as [number | null, string | null];
      return signal;
    },
  };
}

async function connect(url: string): Promise<WireClient> {
  const client = await WireClient.connect(url);
  onTestFinished(() => client.socket.terminate());
  return client;
}

async function signIn(client: WireClient): Promise<Session> {
  client.send('auth', 'ada:engine');
  const created = await client.next();
  if (created.type !== MessageType.SessionCreated) throw new Error(`no session was created: ${show(created)}`);
  expect(show(await client.next())).toBe('binary');
  return new Payload('utf8', created.session).json<Session>();
}

async function logOut(client: WireClient): Promise<void> {
  client.send('logout');
  expect((await client.next()).type).toBe(MessageType.SessionClosed);
  expect(show(await client.next())).toBe('binary');
}

function restore(client: WireClient, sessionKey: string): Promise<ProtocolMessage> {
  client.sendBytes(encodeMessage({ type: MessageType.RequestRestoreSession, id: new Uint8Array(8), sessionKey }));
  return client.next();
}

async function restored(client: WireClient, key: string): Promise<Session> {
  const reply = await restore(client, key);
  if (reply.type !== MessageType.ReplyUtf8) throw new Error(`the session was not restored: ${show(reply)}`);
  return new Payload('utf8', reply.payload).json<Session>();
}

it('gives a session back after a restart, with the time of the lookup before', async () => {
  const before = await start();
  const session = await signIn(await before.connect());
  expect(session).toEqual({ k: session.k, c: session.c, l: session.c, i: { user: 'Ada' } });
  expect(await before.stop()).toBe('SIGTERM');

  const after = await start();
  const client = await after.connect();
  expect(await client.ask('whoami')).toBe('error NOT_SIGNED_IN: Sign in first');
  const earliest = Date.now();
  expect(await restored(client, session.k)).toEqual(session);
  expect(await client.ask('whoami')).toBe('utf8 Ada');

  const { l, ...rest } = await restored(await after.connect(), session.k);
  expect({ ...rest, l: session.l }).toEqual(session);
  expect(Date.parse(l)).toBeGreaterThanOrEqual(earliest);
  expect(Date.parse(l)).toBeLessThanOrEqual(Date.now());
});

it('destroys a session that is logged out, for good', async () => {
  const before = await start();
  const client = await before.connect();
  const { k: key } = await signIn(client);
  await logOut(client);
  expect(await client.ask('whoami')).toBe('error NOT_SIGNED_IN: Sign in first');
  expect((await restore(client, key)).type).toBe(MessageType.ReplySessionNotFound);
  await before.stop();

  const after = await start();
  expect((await restore(await after.connect(), key)).type).toBe(MessageType.ReplySessionNotFound);
});

it('gives a session to three connections, and to a fourth once one of them logs out', async () => {
  const app = await start();
  const first = await app.connect();
  const { k: key } = await signIn(first);
  await restored(await app.connect(), key);
  await restored(await app.connect(), key);
  const fourth = await app.connect();
  expect((await restore(fourth, key)).type).toBe(MessageType.ReplyMaxSessionConnectionsReached);
  await logOut(first);
  await restored(fourth, key);
  expect(await fourth.ask('whoami')).toBe('utf8 Ada');
});

it('creates no session for wrong credentials, nor a second one', async () => {
  const app = await start();
  const client = await app.connect();
  const wrong = 'error WRONG_CREDENTIALS: Incorrect name or password, try again';
  expect(await client.ask('auth', 'ada:compiler')).toBe(wrong);
  expect(await client.ask('auth', Payload.binary(Buffer.from('ada:engine')))).toBe(wrong);
  await signIn(client);
  expect(await client.ask('auth', 'grace:compiler')).toBe('error SIGNED_IN: Log out first');
});

it('leaves no key in the database', async () => {
  const app = await start();
  const { k: key } = await signIn(await app.connect());
  await app.stop();
  const files = await readdir(directory);
  expect(files).toEqual(['sessions.db']);
  const content = await readFile(join(directory, 'sessions.db'), 'latin1');
  expect(content).toContain('{"user":"Ada"}');
  expect(content).not.toContain(key.slice(0, 16));
});

it('answers its client: signs in, restores the session on a new connection and logs out', async () => {
  const { url } = await start();
  const client = spawn(process.execPath, [compiled('client.js'), url], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void client.kill('SIGKILL'));
  const [output, [code]] = await Promise.all([text(client.stdout), once(client, 'exit')]);
  const [, created] = /created (\S+),/.exec(output) ?? [];
  expect(output.trimEnd().split('\n')).toEqual([
    'auth -> error: WRONG_CREDENTIALS: Incorrect name or password, try again',
    `auth -> session of Ada, created ${created}, with a key of 64 characters`,
    'new connection: whoami -> error: NOT_SIGNED_IN: Sign in first',
    `restore -> session of Ada, created ${created}, last looked up ${created}`,
    'whoami -> reply: Ada',
    'logout -> session closed',
    'restore -> there is no such session',
  ]);
  expect(code).toBe(0);
});
