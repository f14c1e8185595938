import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jsonCodec, WebwireClient } from 'nestjs-webwire/client';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import type { ChatApi } from '../../sample/03-chatroom/api/chat-api.js';
import { withTicket } from '../../sample/03-chatroom/client/with-ticket.js';
import { FileStorage } from '../../sample/03-chatroom/terminal/file-storage.js';
import { printable } from '../../sample/03-chatroom/terminal/printable.js';
import { Chatroom, compiled } from '../support/chatroom.js';
import { Queue } from '../support/queue.js';

/** `npm run chat`, with pipes as its input and output. */
class TerminalClient {
  readonly #lines = new Queue<string>();
  readonly #process;
  readonly #ended: Promise<[number | null, NodeJS.Signals | null]>;

  constructor(chatroom: Chatroom, session: string) {
    const file = join(chatroom.directory, session);
    this.#process = spawn(process.execPath, [compiled('terminal/main.js'), chatroom.url, '--session', file], {
      env: { ...process.env, NO_COLOR: '1', TZ: 'UTC' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#ended = once(this.#process, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    onTestFinished(async () => {
      this.#process.kill('SIGKILL');
      await this.#ended;
    });
    let rest = '';
    const read = (chunk: Buffer) => {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop()!;
      for (const line of lines) this.#lines.push(line);
    };
    this.#process.stdout.on('data', read);
    this.#process.stderr.on('data', read);
    this.#process.stdout.on('end', () => this.#lines.end(new Error(`it ended: ${this.#lines.rest.join('\n')}`)));
  }

  type(...lines: string[]): void {
    this.#process.stdin.write(lines.map((line) => `${line}\n`).join(''));
  }

  /** Waits for a line. */
  async reads(line: string | RegExp): Promise<string> {
    return this.#lines.take((read) => (typeof line === 'string' ? read.endsWith(line) : line.test(read)));
  }

  get unread(): readonly string[] {
    return this.#lines.rest;
  }

  /** Ends the input, as Ctrl-D does. @returns The exit code. */
  async end(): Promise<number | null> {
    this.#process.stdin.end();
    return (await this.#ended)[0];
  }

  /** Interrupts the program, as Ctrl-C does. @returns The exit code. */
  async interrupt(): Promise<number | null> {
    this.#process.kill('SIGINT');
    return (await this.#ended)[0];
  }
}

it('only the owner can read a session file, even if it existed before', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'webwire-storage-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const file = join(directory, 'session');
  await writeFile(file, '{"a":"1"}', { mode: 0o644 });
  new FileStorage(file).setItem('b', '2');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ a: '1', b: '2' });
  expect(await readdir(directory)).toEqual(['session']);
});

describe('the chat room in a terminal', { timeout: 60_000 }, () => {
  let chatroom: Chatroom;

  beforeEach(async () => {
    chatroom = await Chatroom.start();
  });

  async function signIn(name: string, password: string): Promise<TerminalClient> {
    const client = new TerminalClient(chatroom, name);
    await client.reads(/^\* Sign in, with one of these names and its password: Ada \(engine\), /);
    client.type(name, password);
    await client.reads(/^\* Welcome, /);
    return client;
  }

  it('shows messages of two people, and who comes and goes', async () => {
    const ada = new TerminalClient(chatroom, 'ada');
    await ada.reads('* Connected.');
    ada.type('ada', 'motor');
    await ada.reads('* Incorrect name or password, try again');
    ada.type('ada', 'engine');
    await ada.reads('* In the room: Ada');
    await ada.reads('* Welcome, Ada. Type to talk, /help for more.');
    const grace = await signIn('grace', 'compiler');
    await ada.reads('* Grace is here.');

    ada.type('Has anybody looked at the engine?');
    expect(await grace.reads('Ada: Has anybody looked at the engine?')).toMatch(/^\d\d:\d\d/);
    grace.type('//people is a command', '/people', '/nothing', '/earlier', 'x'.repeat(1_001));
    await ada.reads('Grace: /people is a command');
    await grace.reads('* In the room: Ada, Grace');
    await grace.reads('* There is no such command; /help lists all commands.');
    await grace.reads('* There are no earlier messages.');
    await grace.reads('* Not sent: a message has at most 1000 characters, this one has 1001.');
    grace.type('/signout');
    await grace.reads(/^\* Sign in/);
    await ada.reads('* Grace has left.');
    expect(await grace.end()).toBe(0);
    ada.type('/quit');
    expect(await ada.end()).toBe(0);
  });

  it('restores the session from a file that only its owner can read', async () => {
    const first = await signIn('ada', 'engine');
    first.type('remember me');
    await first.reads('Ada: remember me');
    expect(await first.interrupt()).toBe(0);
    const file = join(chatroom.directory, 'ada');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(Object.keys(JSON.parse(await readFile(file, 'utf8')) as object)).toHaveLength(1);

    const second = new TerminalClient(chatroom, 'ada');
    await second.reads('Ada: remember me');
    await second.reads('* Welcome back, Ada: your session was restored.');
    second.type('/signout');
    await second.reads(/^\* Sign in/);
    await expect(stat(file)).rejects.toThrow('ENOENT');
    expect(await second.end()).toBe(0);
  });

  it('reads all its input at once, and ends when all messages are sent', async () => {
    const grace = await signIn('grace', 'compiler');
    const ada = new TerminalClient(chatroom, 'ada');
    ada.type('ada', 'engine', 'one', 'two', 'three');
    expect(await ada.end()).toBe(0);
    for (const text of ['one', 'two', 'three']) await grace.reads(`Ada: ${text}`);
    await grace.reads('* Ada has left.');
  });

  it('reconnects after a restart of the server, and sends messages written meanwhile', async () => {
    const ada = await signIn('ada', 'engine');
    const grace = await signIn('grace', 'compiler');
    await chatroom.stop();
    await ada.reads('* Connection lost, trying again…');
    ada.type('meanwhile');
    await ada.reads('* It will be sent when the connection is back.');
    await chatroom.startAgain();
    await grace.reads('Ada: meanwhile');
    await ada.reads('* The connection is back, and your session was restored.');
    await ada.reads('Ada: meanwhile');
    expect(ada.unread.filter((line) => line.includes('meanwhile'))).toEqual([]);
  });

  it('waits for a server that is not there yet, and can be interrupted', async () => {
    await chatroom.stop();
    const ada = new TerminalClient(chatroom, 'ada');
    await ada.reads('* The server cannot be reached, trying again…');
    expect(await ada.interrupt()).toBe(0);
  });

  it('talks to people in browsers, whose control characters do nothing', async () => {
    const ada = await signIn('ada', 'engine');
    const client = new WebwireClient<ChatApi>(() => withTicket(`${chatroom.url}chat`), {
      webSocket: WebSocket,
      codec: jsonCodec,
    });
    onTestFinished(() => client.close());
    const said = new Promise((resolve) => client.onSignal('message', ({ body }) => resolve(body.text)));
    await client.request('signIn', { name: 'grace', password: 'compiler' });
    await client.request('enter');
    ada.type('hello');
    expect(await said).toBe('hello');
    const text = '\u001b]0;title\u0007\u001b[2Jfirst\n12:00 Ada: second \u202etxt';
    await client.request('say', { nonce: crypto.randomUUID(), text });
    await ada.reads('Grace: ]0;title[2Jfirst');
    await ada.reads('      | 12:00 Ada: second txt');
    await client.request('signOut');
    await ada.reads('* Grace has left.');
  });

  it('reports that it was signed out elsewhere', async () => {
    const ada = await signIn('ada', 'engine');
    const twin = new TerminalClient(chatroom, 'ada');
    await twin.reads(/^\* Welcome back, Ada/);
    twin.type('/signout');
    await ada.reads('* You were signed out elsewhere or by the server.');
    await ada.reads(/^\* Sign in/);
    ada.type('hedy', 'spectrum');
    await ada.reads(/^\* Welcome, Hedy/);
  });
});

it('makes of any text lines that a terminal shows as they are', () => {
  expect(printable('\u001b[31m\u009b0m\u0000\u007f')).toBe('\ufffd[31m\ufffd0m\ufffd\ufffd');
  expect(printable('a\r\nb\rc\u2028d\te')).toBe('a\n      | b\n      | c\n      | d    e');
  expect(printable('\u202eabc\u2066')).toBe('abc');
  expect(printable('Zo\u00eb \u{1f600} \u5b57')).toBe('Zo\u00eb \u{1f600} \u5b57');
});

it('prints its usage for invalid arguments', async () => {
  for (const [argument, code, words] of [
    ['--help', 0, 'Usage: npm run chat'],
    ['--loud', 1, "Unknown option '--loud'"],
    ['http:', 1, 'Invalid URL'],
  ] as const) {
    const client = spawn(process.execPath, [compiled('terminal/main.js'), argument], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [client.stdout, client.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
    expect((await once(client, 'close'))[0]).toBe(code);
    expect(output).toContain(words);
    expect(output).toContain('Usage: npm run chat -- [url] [--session <file>]');
  }
});
