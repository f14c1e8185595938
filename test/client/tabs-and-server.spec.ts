import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { MemorySessionManager, WebwireConnection, WebwireGateway, WebwireRequest } from 'nestjs-webwire';
import { WebwireClient, type StorageLike } from 'nestjs-webwire/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { deferred, type Deferred } from '../support/deferred.js';
import { TestApp } from '../support/test-app.js';

let gates: Map<string, { started: Deferred; work: Deferred }>;

function gateOf(user: string): { started: Deferred; work: Deferred } {
  const gate = gates.get(user) ?? { started: deferred(), work: deferred() };
  gates.set(user, gate);
  return gate;
}

@WebwireGateway()
class SignInGateway {
  /** Replaces the session of the connection, when the test lets it. */
  @WebwireRequest('sign-in')
  async signIn(@MessageBody() user: string, @ConnectedSocket() connection: WebwireConnection) {
    const { started, work } = gateOf(user);
    started.resolve();
    await work.promise;
    if (user === 'nobody') throw new Error('wrong password');
    await connection.closeSession();
    await connection.createSession({ user });
  }

  @WebwireRequest('whoami')
  whoami(@ConnectedSocket() { session }: WebwireConnection) {
    return session?.info?.user ?? 'nobody';
  }
}

/** A `localStorage` that reports each change to all pages, in a later turn. */
class PageStorage implements StorageLike {
  readonly #items = new Map<string, string>();
  constructor(private readonly pages: EventTarget) {}
  getItem = (name: string) => this.#items.get(name) ?? null;
  setItem(name: string, value: string) {
    this.#items.set(name, value);
    this.#report(name);
  }
  removeItem(name: string) {
    this.#items.delete(name);
    this.#report(name);
  }
  #report(name: string) {
    setImmediate(() => this.pages.dispatchEvent(Object.assign(new Event('storage'), { key: name })));
  }
}

let app: TestApp;
let storage: PageStorage;
let tabs: WebwireClient[];

beforeEach(async () => {
  gates = new Map();
  tabs = [];
  const pages = new EventTarget();
  storage = new PageStorage(pages);
  app = await TestApp.start({ providers: [SignInGateway] }, { sessions: { manager: new MemorySessionManager() } });
  vi.stubGlobal('document', {});
  vi.stubGlobal('addEventListener', pages.addEventListener.bind(pages));
  vi.stubGlobal('removeEventListener', pages.removeEventListener.bind(pages));
});
afterEach(async () => {
  await Promise.all(tabs.map((tab) => tab.close()));
  vi.unstubAllGlobals();
  await app.close();
});

async function openTab(): Promise<WebwireClient> {
  const tab = new WebwireClient(app.url(), { webSocket: WebSocket, sessionStorage: storage });
  tabs.push(tab);
  await tab.connect();
  return tab;
}

/** Resolves when the handler runs. `finish()` lets it go on, and resolves after the reply. */
async function beginToSignIn(tab: WebwireClient, user: string): Promise<{ finish(): Promise<unknown> }> {
  const reply = tab.request('sign-in', user);
  reply.catch(() => undefined);
  const { started, work } = gateOf(user);
  await started.promise;
  return {
    finish: () => {
      work.resolve();
      return reply;
    },
  };
}

async function signIn(tab: WebwireClient, user: string): Promise<void> {
  await (await beginToSignIn(tab, user)).finish();
}

/** The users on the connections of all tabs, as the server and the clients see them. */
async function users(): Promise<unknown[]> {
  const ofServer = await Promise.all(tabs.map(async (tab) => (await tab.request('whoami')).text()));
  const ofClients = tabs.map(({ session }) => session?.info?.user ?? 'nobody');
  return [...ofServer, ...ofClients];
}

describe('tabs of one browser', () => {
  it('may sign in at the same time: all of them get the last session', async () => {
    for (let count = 0; count < 4; count++) await openTab();
    const [first, second, third] = [
      await beginToSignIn(tabs[0]!, 'ann'),
      await beginToSignIn(tabs[1]!, 'bob'),
      await beginToSignIn(tabs[2]!, 'carl'),
    ];
    await first.finish();
    await expect.poll(() => tabs[3]!.session?.info?.user).toBe('ann');
    await Promise.all([second.finish(), third.finish()]);
    await expect.poll(() => new Set(tabs.map(({ session }) => session?.key)).size).toBe(1);
    const [user, ...others] = await users();
    expect(['bob', 'carl']).toContain(user);
    expect(new Set(others)).toEqual(new Set([user]));
  });

  it('get the session of one although another fails to sign in', async () => {
    const [first, second] = [await openTab(), await openTab()];
    const failing = await beginToSignIn(second, 'nobody');
    await signIn(first, 'ann');
    await expect(failing.finish()).rejects.toMatchObject({ code: 'INTERNAL_SERVER_ERROR' });
    await expect.poll(() => second.session?.info?.user).toBe('ann');
    expect(await users()).toEqual(['ann', 'ann', 'ann', 'ann']);
  });

  it('keep the session of one that signs in while another closes its own', async () => {
    const [first, second] = [await openTab(), await openTab()];
    await signIn(first, 'ann');
    await expect.poll(() => second.session?.info?.user).toBe('ann');
    const switching = await beginToSignIn(second, 'bob');
    await first.closeSession();
    await expect.poll(() => second.session).toBeNull();
    await switching.finish();
    await expect.poll(() => first.session?.info?.user).toBe('bob');
    expect(await users()).toEqual(['bob', 'bob', 'bob', 'bob']);
  });

  it('are all signed out by one of them', async () => {
    for (let count = 0; count < 3; count++) await openTab();
    await signIn(tabs[0]!, 'ann');
    await expect.poll(() => tabs.every(({ session }) => session)).toBe(true);
    await tabs[1]!.closeSession();
    await expect.poll(() => tabs.every(({ session }) => session === null)).toBe(true);
    await expect.poll(async () => new Set(await users())).toEqual(new Set(['nobody']));
  });
});
