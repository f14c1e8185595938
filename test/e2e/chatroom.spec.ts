import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { jsonCodec, RequestError, WebwireClient } from 'nestjs-webwire/client';
import { Payload } from 'nestjs-webwire/protocol';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import type { ChatApi, ChatMessage, Person } from '../../sample/03-chatroom/api/chat-api.js';
import { withTicket } from '../../sample/03-chatroom/client/with-ticket.js';
import { Chatroom, compiled } from '../support/chatroom.js';
import { Queue } from '../support/queue.js';

const ADA = { name: 'Ada', password: 'engine' };
const GRACE = { name: 'grace', password: 'compiler' };

const draft = (words: string) => ({ nonce: crypto.randomUUID(), text: words });

/** A client that records the signals that it receives. */
class Guest {
  readonly client: WebwireClient<ChatApi>;
  readonly messages = new Queue<ChatMessage>();
  readonly people = new Queue<string>();
  readonly typing = new Queue<Person>();

  constructor(url: string) {
    this.client = new WebwireClient<ChatApi>(() => withTicket(`${url}chat`), {
      webSocket: WebSocket,
      codec: jsonCodec,
    });
    onTestFinished(() => this.client.close());
    this.client.onSignal('message', ({ body }) => this.messages.push(body));
    this.client.onSignal('people', ({ body }) => this.people.push(names(body)));
    this.client.onSignal('typing', ({ body }) => this.typing.push(body));
  }

  async signIn(credentials: typeof ADA): Promise<this> {
    await this.client.request('signIn', credentials);
    await this.client.request('enter');
    return this;
  }

  /** Another tab of the same browser. */
  async openTab(url: string): Promise<Guest> {
    const tab = new Guest(url);
    await tab.client.restoreSession(this.client.session!.key);
    await tab.client.request('enter');
    return tab;
  }

  /** The error code of a rejected request. */
  async refused(name: keyof ChatApi['requests'], body?: unknown): Promise<string> {
    const { client } = this as { client: WebwireClient };
    const error: unknown = await client.request(name, Payload.json(body ?? null)).then(
      () => undefined,
      (failure: unknown) => failure,
    );
    if (!(error instanceof RequestError)) throw new Error(`${name} was not refused: ${String(error)}`);
    return error.code;
  }
}

const names = (people: readonly Person[]) => people.map(({ name }) => name).join();

describe('the server of the chat room', { timeout: 60_000 }, () => {
  let chatroom: Chatroom;
  let url: string;

  beforeEach(async () => {
    chatroom = await Chatroom.start();
    ({ url } = chatroom);
  });

  it('rejects all requests before signing in', async () => {
    const guest = new Guest(url);
    expect(await guest.refused('enter')).toBe('NOT_SIGNED_IN');
    expect(await guest.refused('say', draft('hello'))).toBe('NOT_SIGNED_IN');
    expect(await guest.refused('history', { before: 1 })).toBe('NOT_SIGNED_IN');
    expect(await guest.refused('signOut')).toBe('NOT_SIGNED_IN');
    expect(await guest.refused('signIn', { name: 'ada', password: 'motor' })).toBe('WRONG_CREDENTIALS');
    expect(guest.client.session).toBeNull();

    expect((await guest.client.request('signIn', { name: 'ADA', password: 'engine' })).body).toEqual({
      id: 'ada',
      name: 'Ada',
    });
    expect(guest.client.session?.info).toEqual({ user: 'ada' });
  });

  it('allows ten wrong passwords in a minute', async () => {
    const guest = new Guest(url);
    for (let attempt = 0; attempt < 10; attempt++) {
      expect(await guest.refused('signIn', { ...ADA, password: `${attempt}` })).toBe('WRONG_CREDENTIALS');
    }
    expect(await guest.refused('signIn', ADA)).toBe('TOO_MANY_ATTEMPTS');
  });

  it('makes sixty sessions of one person in a minute', async () => {
    const guest = new Guest(url);
    for (let attempt = 0; attempt < 60; attempt++) await guest.client.request('signIn', ADA);
    expect(await guest.refused('signIn', ADA)).toBe('TOO_MANY_ATTEMPTS');
    expect((await guest.client.request('signIn', GRACE)).body).toMatchObject({ id: 'grace' });
  });

  it('rejects invalid bodies, and does not pass them on', async () => {
    const ada = await new Guest(url).signIn(ADA);
    for (const body of [null, 'ada', 7, [], [ADA], {}, { ...ADA, name: '' }, { ...ADA, password: 'x'.repeat(201) }]) {
      expect(await ada.refused('signIn', body)).toBe('BAD_REQUEST');
    }
    for (const before of [undefined, null, '1', 0, -1, 1.5, {}]) {
      expect(await ada.refused('history', { before })).toBe('BAD_REQUEST');
    }
    const { nonce } = draft('');
    const drafts = [{}, { nonce }, { nonce, text: ' \u0000\n ' }, { nonce, text: ['a'] }, { nonce: 'x', text: 'a' }];
    for (const body of [...drafts, { nonce, text: 'x'.repeat(1_001) }]) {
      expect(await ada.refused('say', body)).toBe('BAD_REQUEST');
    }
    await ada.client.request('say', draft('fine'));
    expect((await ada.messages.take()).text).toBe('fine');
  });

  it('removes invisible characters from messages', async () => {
    const ada = await new Guest(url).signIn(ADA);
    const { body: said } = await ada.client.request('say', draft(' \u001b[31mred\u0007\r\nnext \u{1f600}\u009b\t. \n'));
    expect(said.text).toBe('[31mred\nnext \u{1f600}\t.');
    const { body: longest } = await ada.client.request('say', draft('\u20ac'.repeat(1_000)));
    expect(longest.text).toHaveLength(1_000);
  });

  it('sends messages to all in the room, in order, and earlier ones to newcomers', async () => {
    const ada = await new Guest(url).signIn(ADA);
    const grace = await new Guest(url).signIn(GRACE);
    expect(await ada.people.take((people) => people === 'Ada,Grace')).toBe('Ada,Grace');
    const first = draft('first');
    const { body: said } = await ada.client.request('say', first);
    expect(said).toEqual({ ...first, id: said.id, sentAt: said.sentAt, sender: { id: 'ada', name: 'Ada' } });
    const { body: answer } = await grace.client.request('say', draft('second'));
    expect(answer.id).toBeGreaterThan(said.id);
    for (const guest of [ada, grace]) {
      expect(await guest.messages.take()).toEqual(said);
      expect(await guest.messages.take()).toEqual(answer);
    }
    await grace.client.signal('typing');
    expect(await ada.typing.take()).toEqual({ id: 'grace', name: 'Grace' });
    const { body: entry } = await grace.client.request('enter');
    expect(entry).toEqual({
      me: { id: 'grace', name: 'Grace' },
      people: [
        { id: 'ada', name: 'Ada' },
        { id: 'grace', name: 'Grace' },
      ],
      page: { messages: [said, answer], hasEarlier: false },
    });
    expect(grace.typing.rest).toEqual([]);
  });

  it('sends no typing signals to other connections of the same person', async () => {
    const [ada, other] = [await new Guest(url).signIn(ADA), await new Guest(url).signIn(ADA)];
    const grace = await new Guest(url).signIn(GRACE);
    await ada.client.signal('typing');
    expect(await grace.typing.take()).toEqual({ id: 'ada', name: 'Ada' });
    // Signals arrive in order.
    const { body: said } = await ada.client.request('say', draft('done'));
    expect(await other.messages.take(({ id }) => id === said.id)).toEqual(said);
    expect([ada.typing.rest, other.typing.rest]).toEqual([[], []]);
  });

  it('shows a message once that is sent again', async () => {
    const ada = await new Guest(url).signIn(ADA);
    const grace = await new Guest(url).signIn(GRACE);
    const same = draft('once');
    const [{ body: first }, { body: again }] = await Promise.all([
      ada.client.request('say', same),
      ada.client.request('say', same),
    ]);
    expect(again).toEqual(first);
    // Another sender may use the same nonce.
    const { body: other } = await grace.client.request('say', same);
    expect(other.id).not.toBe(first.id);
    const { body: entry } = await ada.client.request('enter');
    expect(entry.page.messages).toEqual([first, other]);
  });

  it('has pages of thirty messages, and limits the messages of a person', async () => {
    const guests = [await new Guest(url).signIn(ADA), await new Guest(url).signIn(GRACE)];
    const said: ChatMessage[] = [];
    for (let number = 0; number < 40; number++) {
      said.push((await guests[number % 2]!.client.request('say', draft(`${number}`))).body);
    }
    const { client } = guests[0]!;
    expect(await guests[0]!.refused('say', draft('too many'))).toBe('SLOW_DOWN');
    expect((await client.request('say', said[38]!)).body).toEqual(said[38]); // the same message
    const { page } = (await client.request('enter')).body;
    expect(page).toEqual({ messages: said.slice(10), hasEarlier: true });
    const { body: earlier } = await client.request('history', { before: page.messages[0]!.id });
    expect(earlier).toEqual({ messages: said.slice(0, 10), hasEarlier: false });
    const { body: nothing } = await client.request('history', { before: 1 });
    expect(nothing).toEqual({ messages: [], hasEarlier: false });
  });

  it('counts people and not connections, and does not remove a person who is back at once', async () => {
    const ada = await new Guest(url).signIn(ADA);
    const grace = await new Guest(url).signIn(GRACE);
    for (const there of ['Ada', 'Ada,Grace']) expect(await ada.people.take()).toBe(there);
    const tab = await grace.openTab(url);
    await grace.client.close();
    await tab.client.close();
    const back = await tab.openTab(url);
    expect(names((await back.client.request('enter')).body.people)).toBe('Ada,Grace');
    expect(ada.people.rest).toEqual([]);
    await back.client.close();
    expect(await ada.people.take()).toBe('Ada');
  });

  it('signs out all connections of a session, at once', async () => {
    const ada = await new Guest(url).signIn(ADA);
    const grace = await new Guest(url).signIn(GRACE);
    const tab = await grace.openTab(url);
    const isClosed = new Promise((resolve) => tab.client.on('sessionClosed', resolve));
    await grace.client.request('signOut');
    await isClosed;
    expect(await ada.people.take((people) => people === 'Ada')).toBe('Ada');
    await ada.client.request('say', draft('among us'));
    await ada.messages.take();
    expect(await tab.refused('enter')).toBe('NOT_SIGNED_IN');
    expect([...grace.messages.rest, ...tab.messages.rest]).toEqual([]);
    expect(await readdir(join(chatroom.directory, 'sessions'))).toHaveLength(1);
  });

  it('sends no signals to clients that closed their session', async () => {
    const ada = await new Guest(url).signIn(ADA);
    const grace = await new Guest(url).signIn(GRACE);
    await ada.people.take((people) => people === 'Ada,Grace');
    await grace.client.closeSession();
    await ada.client.request('say', draft('among us'));
    expect(await grace.refused('enter')).toBe('NOT_SIGNED_IN');
    expect(grace.messages.rest).toEqual([]);
    expect(names((await ada.client.request('enter')).body.people)).toBe('Ada');
  });

  it('restores sessions after a restart, and continues the identifiers', async () => {
    const ada = await new Guest(url).signIn(ADA);
    const { body: before } = await ada.client.request('say', draft('before'));
    const isBack = new Promise<{ isSessionRestored: boolean }>((resolve) => ada.client.on('connected', resolve));
    expect(await chatroom.stop('SIGINT')).toBe('SIGINT');
    await chatroom.startAgain();
    expect((await isBack).isSessionRestored).toBe(true);
    await ada.client.request('enter');
    const { body: after } = await ada.client.request('say', draft('after'));
    expect(after.id).toBeGreaterThan(before.id);
  });

  it('serves its page, which runs nothing but its own files', async () => {
    const page = await fetch(url);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('x-powered-by')).toBeNull();
    const policy = page.headers.get('content-security-policy')!;
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).not.toContain('unsafe');
    const html = await page.text();
    expect(html).not.toMatch(/<style|style=|<script(?![^>]*src=)|\son\w+=/);
    const [, script] = /<script [^>]*src="(\/assets\/[^"]+)"/.exec(html)!;
    const asset = await fetch(new URL(script!, url));
    expect(asset.headers.get('cache-control')).toContain('immutable');
    expect((await fetch(new URL('/favicon.svg', url))).headers.get('content-type')).toContain('image/svg+xml');
    expect((await fetch(new URL('/..%2fsrc/main.js', url))).status).toBe(404);
  });

  it('prints an error if its port is in use or invalid', async () => {
    for (const [port, complaint] of [
      [new URL(url).port, `Port ${new URL(url).port} is in use: choose another with PORT=3001 npm start`],
      ['http', 'PORT must be an integer from 0 to 65535, but is "http"'],
    ] as const) {
      const second = spawn(process.execPath, [compiled('src/main.js')], {
        env: { ...process.env, PORT: port, NO_COLOR: '1' },
        cwd: chatroom.directory,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const [errors, [code]] = await Promise.all([text(second.stderr), once(second, 'exit')]);
      expect(errors).toContain(complaint);
      expect(code).toBe(1);
    }
  });
});
