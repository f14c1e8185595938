import { encodeCloseSession, encodeRestoreSession } from '../protocol/client-messages.js';
import type { Payload } from '../protocol/index.js';
import { delayBefore } from './backoff.js';
import type { Emit, SessionClosedReason } from './client-events.js';
import type { ResolvedClientOptions } from './client-options.js';
import { readSession, type ClientSession } from './client-session.js';
import {
  BufferOverflowError,
  InternalServerError,
  MaxSessionConnectionsReachedError,
  SessionNotFoundError,
  SessionsDisabledError,
} from './errors.js';
import { KeyStore } from './key-store.js';

/**
 * Sends a request. `read` makes the result of the reply before a later message is read, so that the session is always the one
 * that the server named last.
 */
export type Ask = <Result>(message: Uint8Array<ArrayBuffer>, read: (reply: Payload) => Result) => Promise<Result>;

/** The client, as its sessions see it. */
export interface SessionsHost {
  readonly emit: Emit;
  /** Asks on the present connection; `undefined` without one. */
  asker(): Ask | undefined;
  /** Whether requests are in flight. */
  isBusy(): boolean;
}

/** The server refused to restore a session for now; the key is kept. */
type Refusal = 'max-connections' | 'restore-failed';

/** While requests are in flight, restoring is put off, but no more often than this. */
const MAX_POSTPONEMENTS = 5;

/**
 * The session of a client (PROTOCOL.md, section 6): how it is created, restored and closed. Pages that share a storage each
 * have their own session; only signing in and closing a session change the storage, connecting again does not.
 */
export class Sessions {
  readonly #options: ResolvedClientOptions;
  readonly #host: SessionsHost;
  readonly #store: KeyStore;
  readonly #stopWatching: () => void;
  #session: ClientSession | null = null;
  /** The key of the session, or of the one that is to be restored. */
  #key: string | undefined;
  /** The server has refused the session for now. */
  #isRefused = false;
  /** The session was created, closed or replaced since restoring it began: the reply is out of date. */
  #isOverruled = false;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ResolvedClientOptions, host: SessionsHost) {
    this.#options = options;
    this.#host = host;
    this.#store = new KeyStore(options.sessionStorage, options.storageName, options.dialTimeout);
    this.#stopWatching = options.syncTabs
      ? this.#store.watch((key, previous) => this.#follow(key, previous))
      : () => {};
  }

  /** The session, as the server named it last. */
  get current(): ClientSession | null {
    return this.#session;
  }

  /**
   * Restores the session on a new connection, if there is one. A session that is gone is forgotten; one that the server
   * refuses for now is tried again later, and the connection goes on without.
   * @returns Whether it is restored.
   * @throws Error if the connection is lost, or the server does not answer: the attempt to connect has failed.
   */
  async prepare(ask: Ask): Promise<boolean> {
    this.#isRefused = false;
    let wanted = await this.#knownKey();
    while (wanted !== undefined) {
      const refusal = await this.#tryRestore(wanted, ask);
      if (!this.#isOverruled) {
        if (refusal) {
          this.#isRefused = true;
          this.#end(refusal);
        }
        break;
      }
      // Another page has replaced the key while the server answered.
      wanted = this.#key;
      if (wanted === undefined) await ask(encodeCloseSession(), () => undefined);
    }
    // The server may have closed it at once.
    return this.#session !== null;
  }

  /** The connection is in use: a session that was refused for now is tried again from now on. */
  connected(): void {
    if (this.#isRefused) this.#retryLater(1, 0);
  }

  /** The connection is gone. */
  lost(): void {
    clearTimeout(this.#retryTimer);
  }

  /** The client is being closed. */
  stop(): void {
    this.lost();
    this.#stopWatching();
  }

  async restore(key: string, ask: Ask): Promise<ClientSession> {
    return ask(encodeRestoreSession(key), ({ bytes }) => this.#begin(bytes));
  }

  async close(ask: Ask): Promise<void> {
    // A session that is there is closed within the call, before requests that are made after it. One that was stored since
    // this client connected belongs to another page or process.
    if (this.#key === undefined && (this.#host.asker() || (await this.#knownKey()) === undefined)) return;
    await ask(encodeCloseSession(), () => {
      // The server may have closed it meanwhile, or it could not be restored: that was reported.
      if (this.#key !== undefined) this.#end('client');
    });
  }

  /** The server created a session. Throws a ProtocolError if it is none. */
  created(bytes: Uint8Array): void {
    this.#host.emit('sessionCreated', { session: this.#begin(bytes) });
  }

  /** The server closed the session. */
  closed(): void {
    if (this.#session) this.#end('server');
  }

  /** The key of the session, or the one that the storage has from an earlier page or process. */
  async #knownKey(): Promise<string | undefined> {
    const key = this.#key ?? (await this.#store.read());
    return (this.#key ??= key);
  }

  /** Somebody signed in on this page: the session is stored for the other pages, and for later. */
  #begin(bytes: Uint8Array): ClientSession {
    this.#session = readSession(bytes);
    this.#key = this.#session.key;
    this.#overrule();
    this.#store.write(this.#key);
    return this.#session;
  }

  #end(reason: SessionClosedReason): void {
    const event = { reason, session: this.#session };
    const isKept = reason === 'max-connections' || reason === 'restore-failed';
    this.#session = null;
    if (!isKept) {
      this.#overrule();
      if (this.#key !== undefined) this.#store.remove(this.#key);
      this.#key = undefined;
    }
    this.#host.emit('sessionClosed', event);
  }

  /**
   * Asks the server for a session. A session that is gone ends.
   * @returns How the server refused it for now, if it did.
   */
  async #tryRestore(wanted: string, ask: Ask): Promise<Refusal | undefined> {
    this.#isOverruled = false;
    try {
      await ask(encodeRestoreSession(wanted), ({ bytes }) => {
        const restored = readSession(bytes);
        if (this.#isOverruled) return;
        this.#session = restored;
        // The server may have created another one as soon as the client connected, and released it for this one.
        if (this.#key !== wanted) this.#store.write(wanted);
        this.#key = wanted;
      });
    } catch (error) {
      if (error instanceof MaxSessionConnectionsReachedError) return 'max-connections';
      if (error instanceof InternalServerError || error instanceof BufferOverflowError) return 'restore-failed';
      const isGone = error instanceof SessionNotFoundError || error instanceof SessionsDisabledError;
      if (!isGone) throw error;
      if (!this.#isOverruled) {
        this.#end('not-found');
        this.#isOverruled = false;
      }
    }
    return undefined;
  }

  /** Before a connection is in use, its server has the last word: what it restores replaces what it created. */
  #overrule(): void {
    clearTimeout(this.#retryTimer);
    if (this.#host.asker()) this.#isOverruled = true;
  }

  #retryLater(attempt: number, postponements: number): void {
    const retry = () => {
      // A request in flight may be a sign-in, which restoring must not undo.
      const isBusy = this.#host.isBusy() && postponements < MAX_POSTPONEMENTS;
      if (isBusy) this.#retryLater(attempt, postponements + 1);
      else void this.#retry(attempt);
    };
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(retry, delayBefore(attempt, this.#options.backoff));
  }

  /** Restores the session on a connection that is in use. */
  async #retry(attempt: number): Promise<void> {
    const [ask, wanted, before] = [this.#host.asker(), this.#key, this.#session];
    if (!ask || wanted === undefined) return;
    try {
      const refusal = await this.#tryRestore(wanted, ask);
      if (this.#isOverruled) await this.#correct(ask);
      else if (refusal) {
        if (attempt === 0) this.#end(refusal);
        this.#retryLater(attempt + 1, 0);
      } else if (this.#session && this.#session.key !== before?.key) {
        this.#host.emit('sessionRestored', { session: this.#session });
      }
    } catch {
      // Without a connection, the next one restores the session.
      if (this.#host.asker() && this.#key === wanted) this.#retryLater(attempt + 1, 0);
    }
  }

  /** The session has changed while an old one was being restored: the server has to have the new one, or none. */
  async #correct(ask: Ask): Promise<void> {
    if (this.#key === undefined) await ask(encodeCloseSession(), () => undefined);
    else await this.#retry(0);
  }

  /** Another page that shares the storage signed in or closed its session. */
  #follow(key: string | undefined, previous: string | undefined): void {
    const isForeign = this.#key !== undefined && previous !== this.#key;
    if (key === this.#key || isForeign) return;
    const had = this.#session;
    clearTimeout(this.#retryTimer);
    this.#isOverruled = true;
    this.#session = null;
    this.#key = key;
    if (had) this.#host.emit('sessionClosed', { reason: 'other-tab', session: had });
    const ask = this.#host.asker();
    if (!ask) return;
    // A failure leaves the connection without a session, or ends it.
    if (key === undefined) ask(encodeCloseSession(), () => undefined).catch(() => undefined);
    else void this.#retry(0);
  }
}
