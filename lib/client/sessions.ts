import { encodeCloseSession, encodeRestoreSession } from '../protocol/client-messages.js';
import type { Payload } from '../protocol/index.js';
import { delayBefore } from './backoff.js';
import type { EmitEvent, SessionClosedReason } from './client-events.js';
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
 * Sends a request. `read` makes the result from the reply before the next message is processed, so that the session is always the
 * one that the server sent last.
 */
export type SendRequest = <Result>(
  message: Uint8Array<ArrayBuffer>,
  read: (reply: Payload) => Result,
) => Promise<Result>;

/** Functions of the client that `Sessions` calls. */
export interface SessionsCallbacks {
  readonly emit: EmitEvent;
  /** Returns a function that sends requests on the current connection; `undefined` without a connection. */
  sender(): SendRequest | undefined;
  /** Returns `true` while requests are in flight. */
  isBusy(): boolean;
}

/** The server could not restore a session at this time. The client keeps the key and tries again. */
type TemporaryFailure = Extract<SessionClosedReason, 'max-connections' | 'restore-failed'>;

/** Restoring is postponed while requests are in flight, at most this number of times. */
const MAX_POSTPONEMENTS = 5;

/**
 * Restores, tracks and closes the session of a client (docs/PROTOCOL.md, section 6). The storage changes when the server creates a
 * session, when `restoreSession()` succeeds and when the session is closed, but not when the client reconnects. So pages with
 * the same storage can have different sessions.
 */
export class Sessions {
  readonly #options: ResolvedClientOptions;
  readonly #callbacks: SessionsCallbacks;
  readonly #store: KeyStore;
  readonly #stopWatching: () => void;
  #session: ClientSession | null = null;
  /** The key of the session, or of the session that will be restored. */
  #key: string | undefined;
  /** The server could not restore the session at this time. */
  #isRetryNeeded = false;
  /** The session was created, closed or replaced after a restore request was sent, so the reply to it is outdated. */
  #isOutdated = false;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ResolvedClientOptions, callbacks: SessionsCallbacks) {
    this.#options = options;
    this.#callbacks = callbacks;
    this.#store = new KeyStore(options.sessionStorage, options.storageName, options.dialTimeout);
    this.#stopWatching = options.syncTabs
      ? this.#store.watch((key, previous) => this.#follow(key, previous))
      : () => {};
  }

  /** The session, as last received from the server. */
  get current(): ClientSession | null {
    return this.#session;
  }

  /**
   * Restores the session on a new connection, if there is a key. The key is deleted if the session no longer exists. After a
   * temporary failure, the connection is used without the session, and restoring is repeated later.
   * @returns `true` if the connection has a session.
   * @throws Error if the connection is lost or the server does not reply: the attempt to connect has failed.
   */
  async prepare(send: SendRequest): Promise<boolean> {
    this.#isRetryNeeded = false;
    let wanted = await this.#knownKey();
    while (wanted !== undefined) {
      const failure = await this.#tryRestore(wanted, send);
      if (!this.#isOutdated) {
        if (failure) {
          this.#isRetryNeeded = true;
          this.#end(failure);
        }
        break;
      }
      // Another page has changed the key during the request.
      wanted = this.#key;
      if (wanted === undefined) await send(encodeCloseSession(), () => undefined);
    }
    // The server may have closed the session right after the reply.
    return this.#session !== null;
  }

  /** The connection is in use: schedules another attempt after a temporary failure. */
  connected(): void {
    if (this.#isRetryNeeded) this.#retryLater(1, 0);
  }

  /** The connection has ended. */
  lost(): void {
    clearTimeout(this.#retryTimer);
  }

  /** The client closes. */
  stop(): void {
    this.lost();
    this.#stopWatching();
  }

  async restore(key: string, send: SendRequest): Promise<ClientSession> {
    return send(encodeRestoreSession(key), ({ bytes }) => this.#begin(bytes));
  }

  async close(send: SendRequest): Promise<void> {
    // A known session is closed without an await, so that this request is sent before later ones. A key that was stored since
    // this client connected belongs to another page or process.
    if (this.#key === undefined && (this.#callbacks.sender() || (await this.#knownKey()) === undefined)) return;
    await send(encodeCloseSession(), () => {
      // If there is no key any more, the session has ended during the request, and an event was emitted.
      if (this.#key !== undefined) this.#end('client');
    });
  }

  /**
   * The server created a session.
   * @throws ProtocolError for an invalid one.
   */
  created(bytes: Uint8Array): void {
    this.#callbacks.emit('sessionCreated', { session: this.#begin(bytes) });
  }

  /** The server closed the session. */
  closed(): void {
    if (this.#session) this.#end('server');
  }

  /** The key of the session, or the stored key of an earlier page or process. */
  async #knownKey(): Promise<string | undefined> {
    const key = this.#key ?? (await this.#store.read());
    return (this.#key ??= key);
  }

  /** The client has a new session: stores its key for other pages, and for later. */
  #begin(bytes: Uint8Array): ClientSession {
    this.#session = readSession(bytes);
    this.#key = this.#session.key;
    this.#markOutdated();
    this.#store.write(this.#key);
    return this.#session;
  }

  #end(reason: SessionClosedReason): void {
    const event = { reason, session: this.#session };
    const isKept = reason === 'max-connections' || reason === 'restore-failed';
    this.#session = null;
    if (!isKept) {
      this.#markOutdated();
      if (this.#key !== undefined) this.#store.remove(this.#key);
      this.#key = undefined;
    }
    this.#callbacks.emit('sessionClosed', event);
  }

  /**
   * Sends a restore request. If the session no longer exists, the key is deleted.
   * @returns The failure if it is temporary.
   */
  async #tryRestore(wanted: string, send: SendRequest): Promise<TemporaryFailure | undefined> {
    this.#isOutdated = false;
    try {
      await send(encodeRestoreSession(wanted), ({ bytes }) => {
        const restored = readSession(bytes);
        if (this.#isOutdated) return;
        this.#session = restored;
        // The server may have created another session on this connection before, which this one has replaced.
        if (this.#key !== wanted) this.#store.write(wanted);
        this.#key = wanted;
      });
    } catch (error) {
      if (error instanceof MaxSessionConnectionsReachedError) return 'max-connections';
      if (error instanceof InternalServerError || error instanceof BufferOverflowError) return 'restore-failed';
      const isGone = error instanceof SessionNotFoundError || error instanceof SessionsDisabledError;
      if (!isGone) throw error;
      if (!this.#isOutdated) {
        this.#end('not-found');
        this.#isOutdated = false;
      }
    }
    return undefined;
  }

  /**
   * Makes the reply to a pending restore request outdated. Not while connecting: then a restored session replaces one that the
   * server has created.
   */
  #markOutdated(): void {
    clearTimeout(this.#retryTimer);
    if (this.#callbacks.sender()) this.#isOutdated = true;
  }

  #retryLater(attempt: number, postponements: number): void {
    const retry = () => {
      // A request in flight may create a session, which restoring would replace.
      const isBusy = this.#callbacks.isBusy() && postponements < MAX_POSTPONEMENTS;
      if (isBusy) this.#retryLater(attempt, postponements + 1);
      else void this.#retry(attempt);
    };
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(retry, delayBefore(attempt, this.#options.backoff));
  }

  /** Restores the session on a connection that is in use. */
  async #retry(attempt: number): Promise<void> {
    const [send, wanted, before] = [this.#callbacks.sender(), this.#key, this.#session];
    if (!send || wanted === undefined) return;
    try {
      const failure = await this.#tryRestore(wanted, send);
      if (this.#isOutdated) await this.#correct(send);
      else if (failure) {
        if (attempt === 0) this.#end(failure);
        this.#retryLater(attempt + 1, 0);
      } else if (this.#session && this.#session.key !== before?.key) {
        this.#callbacks.emit('sessionRestored', { session: this.#session });
      }
    } catch {
      // If the connection is lost, the session is restored on the next one.
      if (this.#callbacks.sender() && this.#key === wanted) this.#retryLater(attempt + 1, 0);
    }
  }

  /** An outdated session was restored: makes the server use the new one, or none. */
  async #correct(send: SendRequest): Promise<void> {
    if (this.#key === undefined) await send(encodeCloseSession(), () => undefined);
    else await this.#retry(0);
  }

  /** Another page has changed the key in the storage. */
  #follow(key: string | undefined, previous: string | undefined): void {
    const isOtherSession = this.#key !== undefined && previous !== this.#key;
    if (key === this.#key || isOtherSession) return;
    const ended = this.#session;
    clearTimeout(this.#retryTimer);
    this.#isOutdated = true;
    this.#session = null;
    this.#key = key;
    if (ended) this.#callbacks.emit('sessionClosed', { reason: 'other-tab', session: ended });
    const send = this.#callbacks.sender();
    if (!send) return;
    // A failure needs no handling: the connection has ended, or has no session.
    if (key === undefined) send(encodeCloseSession(), () => undefined).catch(() => undefined);
    else void this.#retry(0);
  }
}
