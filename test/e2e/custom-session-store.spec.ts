import { spawn, type ChildProcess } from 'node:child_process';
import { on, once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { encodeMessage, MessageType, Payload, type ProtocolMessage } from 'nestjs-webwire/protocol';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { describe as show, WireClient } from '../support/wire-client.js';
import { compiledSample } from '../support/sample.js';

/** Compiled by `npm run build:sample`, and using the built package, as a user would. */
const compiled = (file: string) => compiledSample('04-custom-session-store', `src/${file}`);

interface Session {
  k: string;
  c: string;
  l: string;
  i?: unknown;
}

/** The application in a separate process. */
interface App {
  readonly url: string;
  /** Stops it; resolves with the signal that ended it. */
  readonly stop: () => Promise<string | null>;
}

async function start(databaseFile: string): Promise<App> {
  const server = spawn(process.execPath, [compiled('main.js')], {
    env: { ...process.env, PORT: '0', NO_COLOR: '1', DATABASE_FILE: databaseFile },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  processes.push(server);
  const ended = once(server, 'exit') as Promise<[number | null, string | null]>;
  let output = '';
  for await (const [chunk] of on(server.stdout, 'data', { close: ['end'] })) {
    output += String(chunk);
    const url = /npm run client -- (ws:\/\/localhost:\d+)\n/.exec(output)?.[1];
    if (!url) continue;
    server.stdout.resume();
    return {
      url,
      async stop() {
        server.kill('SIGTERM');
        const [, signal] = await ended;
        return signal;
      },
    };
  }
  throw new Error(`the application did not start: ${output}`);
}

/** All processes that were started. */
const processes: ChildProcess[] = [];
let directory: string;
/** The session from before the restart. */
let kept: Session;
let loggedOut: Session;
/** The files of the first application after its end. */
let left: { signal: string | null; files: string[]; database: string };
/** URL of the second application, which has the database of the first. */
let url: string;

// All tests share two applications, because starting one takes most of the time.
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'webwire-session-store-'));
  const file = join(directory, 'sessions.db');
  const before = await start(file);
  kept = await signIn(await WireClient.connect(before.url));
  const client = await WireClient.connect(before.url);
  loggedOut = await signIn(client);
  await logOut(client);
  const signal = await before.stop();
  left = { signal, files: await readdir(directory), database: await readFile(file, 'latin1') };
  ({ url } = await start(file));
});

afterAll(async () => {
  for (const child of processes) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await rm(directory, { recursive: true });
});

async function connect(): Promise<WireClient> {
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

it('ends on a signal, and leaves only the database, which contains no keys', () => {
  expect(left.signal).toBe('SIGTERM');
  expect(left.files).toEqual(['sessions.db']);
  expect(left.database).toContain('{"user":"Ada"}');
  expect(left.database).not.toContain(kept.k.slice(0, 16));
});

it('gives a session back after a restart, with the time of the lookup before', async () => {
  expect(kept).toEqual({ k: kept.k, c: kept.c, l: kept.c, i: { user: 'Ada' } });
  const client = await connect();
  expect(await client.ask('whoami')).toBe('error NOT_SIGNED_IN: Sign in first');
  const earliest = Date.now();
  expect(await restored(client, kept.k)).toEqual(kept);
  expect(await client.ask('whoami')).toBe('utf8 Ada');

  const { l, ...rest } = await restored(await connect(), kept.k);
  expect({ ...rest, l: kept.l }).toEqual(kept);
  expect(Date.parse(l)).toBeGreaterThanOrEqual(earliest);
  expect(Date.parse(l)).toBeLessThanOrEqual(Date.now());
});

it('destroys a session that is logged out, for good', async () => {
  expect((await restore(await connect(), loggedOut.k)).type).toBe(MessageType.ReplySessionNotFound);
  const client = await connect();
  const { k: key } = await signIn(client);
  await logOut(client);
  expect(await client.ask('whoami')).toBe('error NOT_SIGNED_IN: Sign in first');
  expect((await restore(client, key)).type).toBe(MessageType.ReplySessionNotFound);
});

it('gives a session to three connections, and to a fourth once one of them logs out', async () => {
  const first = await connect();
  const { k: key } = await signIn(first);
  await restored(await connect(), key);
  await restored(await connect(), key);
  const fourth = await connect();
  expect((await restore(fourth, key)).type).toBe(MessageType.ReplyMaxSessionConnectionsReached);
  await logOut(first);
  await restored(fourth, key);
  expect(await fourth.ask('whoami')).toBe('utf8 Ada');
});

it('creates no session for wrong credentials, nor a second one', async () => {
  const client = await connect();
  const wrong = 'error WRONG_CREDENTIALS: Incorrect name or password, try again';
  expect(await client.ask('auth', 'ada:compiler')).toBe(wrong);
  expect(await client.ask('auth', Payload.binary(Buffer.from('ada:engine')))).toBe(wrong);
  await signIn(client);
  expect(await client.ask('auth', 'grace:compiler')).toBe('error SIGNED_IN: Log out first');
});

it('answers its client: signs in, restores the session on a new connection and logs out', async () => {
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
