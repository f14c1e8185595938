import { WebwireClient } from 'nestjs-webwire/client';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { TICKET_EXPIRED } from '../../sample/03-chatroom/api/chat-api.js';
import { DEMO_ACCOUNTS } from '../../sample/03-chatroom/api/demo-accounts.js';
import { ChatClient } from '../../sample/03-chatroom/client/chat-client.js';
import type { Notice } from '../../sample/03-chatroom/client/chat-listener.js';
import { Chatroom } from '../support/chatroom.js';
import { Queue } from '../support/queue.js';

type AccountId = (typeof DEMO_ACCOUNTS)[number]['id'];

/** A member of the chat room, whose network can fail. */
class Member {
  readonly client: ChatClient;
  readonly notices = new Queue<Notice>();
  /** Number of connections that the server closed because their tickets had expired. */
  expired = 0;
  readonly #sockets = new Set<WebSocket>();
  #isUnplugged = false;
  #isDeaf = false;
  #wake: () => void = () => undefined;

  constructor(url: string) {
    const sockets = this.#sockets;
    const isUnplugged = () => this.#isUnplugged;
    const isDeaf = () => this.#isDeaf;
    const countExpired = () => {
      this.expired++;
      this.#wake();
    };
    class FailingWebSocket extends WebSocket {
      constructor(address: string) {
        super(isUnplugged() ? 'ws://localhost:1/' : address);
        sockets.add(this);
        this.on('close', (code) => {
          if (code === TICKET_EXPIRED) countExpired();
        });
      }

      override emit(event: string, ...values: unknown[]): boolean {
        return event === 'message' && isDeaf() ? false : super.emit(event, ...values);
      }
    }
    this.client = new ChatClient(
      `${url}chat`,
      { changed: () => this.#wake(), notice: (notice) => this.notices.push(notice) },
      { webSocket: FailingWebSocket, reconnect: { minDelay: 10, maxDelay: 20 } },
    );
    onTestFinished(() => this.client.close());
  }

  async signIn(id: AccountId): Promise<this> {
    const { name, password } = DEMO_ACCOUNTS.find((account) => account.id === id)!;
    await this.client.signIn(name, password);
    return this;
  }

  /** Cuts the connection, and prevents new ones until `plugIn()`. */
  unplug(): void {
    this.#isUnplugged = true;
    for (const socket of this.#sockets) socket.terminate();
  }

  plugIn(): void {
    this.#isUnplugged = false;
    this.#isDeaf = false;
  }

  /** Holds back all data of the server from now on. */
  stopListening(): void {
    this.#isDeaf = true;
  }

  get texts(): string[] {
    return this.client.messages.map(({ text }) => text);
  }

  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  async says(text: string): Promise<void> {
    this.client.send(text);
    await this.until(() => this.texts.includes(text));
  }
}

describe('a member of the chat room', { timeout: 60_000 }, () => {
  let ada: Member;
  let grace: Member;
  let alan: Member;

  beforeEach(async () => {
    const { url } = await Chatroom.start();
    [ada, grace, alan] = [
      await new Member(url).signIn('ada'),
      await new Member(url).signIn('grace'),
      await new Member(url).signIn('alan'),
    ];
  });

  it('receives missed messages after a lost connection, and sends waiting ones', async () => {
    await ada.says('before');
    ada.unplug();
    await ada.until(() => ada.client.connection.status === 'reconnecting');
    ada.client.send('mine');
    const expected = ['before'];
    for (let number = 0; number < 38; number++) {
      await (number % 2 === 0 ? grace : alan).says(`${number}`);
      expected.push(`${number}`);
    }
    expect(ada.texts).toEqual(['before']);
    expect(ada.client.outgoing.map(({ text }) => text)).toEqual(['mine']);

    ada.plugIn();
    expect(await ada.notices.take()).toBe('reconnected');
    await grace.until(() => grace.texts.includes('mine'));
    await ada.until(() => ada.texts.includes('mine'));
    for (const { texts } of [ada, grace]) expect(texts).toEqual([...expected, 'mine']);
    expect(ada.client.outgoing).toEqual([]);
  });

  it('sends a message once if only its reply was lost', async () => {
    await ada.says('before');
    ada.stopListening();
    ada.client.send('once');
    await grace.until(() => grace.texts.includes('once'));
    expect(ada.client.outgoing.map(({ text }) => text)).toEqual(['once']);
    ada.unplug();
    ada.plugIn();
    await ada.until(() => ada.client.outgoing.length === 0);
    await grace.says('after');
    for (const person of [ada, grace, alan]) {
      await person.until(() => person.texts.includes('after'));
      expect(person.texts).toEqual(['before', 'once', 'after']);
    }
  });

  it('sends messages in order', async () => {
    const texts = Array.from({ length: 15 }, (_, number) => `${number}`);
    for (const [number, text] of texts.entries()) {
      ada.client.send(text);
      if (number % 4 === 3) {
        await ada.until(() => ada.texts.length > 0);
        ada.unplug();
        ada.plugIn();
      }
    }
    await grace.until(() => grace.texts.length === texts.length);
    await ada.until(() => ada.client.outgoing.length === 0);
    expect(grace.texts).toEqual(texts);
    expect(ada.texts).toEqual(texts);
  });

  it('deletes its messages when the person signs out', async () => {
    await ada.says('for those who are here');
    ada.unplug();
    await ada.until(() => ada.client.connection.status === 'reconnecting');
    const isSignedOut = ada.client.signOut();
    ada.plugIn();
    await isSignedOut;
    expect(ada.client.me).toBeNull();
    expect([ada.client.messages, ada.client.people, ada.client.outgoing]).toEqual([[], [], []]);
    await ada.signIn('hedy');
    expect(ada.client.me).toEqual({ id: 'hedy', name: 'Hedy' });
    expect(ada.texts).toEqual(['for those who are here']);
  });
});

describe('a ticket that expires', { timeout: 60_000 }, () => {
  it('ends its connection, and the client comes back with another one without losing anything', async () => {
    const { url } = await Chatroom.start(700);
    const [ada, grace] = [await new Member(url).signIn('ada'), await new Member(url).signIn('grace')];
    const texts: string[] = [];
    for (let round = 1; round <= 3; round++) {
      for (const person of [ada, grace]) {
        await person.until(() => person.expired >= round);
        texts.push(`${texts.length}`);
        // Sent while the client has no connection.
        await person.says(texts.at(-1)!);
      }
    }
    for (const person of [ada, grace]) {
      await person.until(() => person.texts.includes(texts.at(-1)!));
      expect(person.texts).toEqual(texts);
      expect([person.client.outgoing, person.notices.rest, person.client.me?.id]).toEqual([[], [], expect.any(String)]);
    }
  });

  it('does not let a client connect', async () => {
    const { url } = await Chatroom.start();
    for (const query of ['', '?ticket=', '?ticket=1.1', `?ticket=${Date.now() + 1_000}.AAAA`]) {
      const client = new WebwireClient(`${url}chat${query}`, { webSocket: WebSocket });
      await expect(client.connect()).rejects.toMatchObject({ status: 401 });
      await client.close();
    }
  });
});
