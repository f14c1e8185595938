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
import { settledWithin } from './settled-within.js';

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
  /** The session has changed. */
  changed(): void;
  /** Returns a function that sends requests on the current connection; `undefined` without a connection. */
  sender(): SendRequest | undefined;
  /** Resolves when all requests that are in flight now have settled. */
  requestsSettled(): Promise<unknown>;
}

/** The server could not restore a session at this time. The client keeps the key and tries again. */
type TemporaryFailure = Extract<SessionClosedReason, 'max-connections' | 'restore-failed'>;

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
  /** The server has created the session, and it was not restored since. */
  #isNew = false;
  /** The key of the session, or of the session that will be restored. */
  #key: string | undefined;
  /** The session or its key changed after a session request of this class was sent, so the reply to it is outdated. */
  #isOutdated = false;
  /** The keys of sessions that the application closed without a connection, until the server has closed them. */
  readonly #closedKeys = new Set<string>();
  /** The session could not be restored on the new connection. */
  #failure: TemporaryFailure | undefined;
  /** A request of `#adjust()` is in flight. */
  #isAdjusting = false;
  /** Number of calls of `#adjust()`, and of changes that make a waiting one unnecessary. */
  #adjustments = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;

  constructor(options: ResolvedClientOptions, callbacks: SessionsCallbacks) {
    this.#options = options;
    this.#callbacks = callbacks;
    this.#store = new KeyStore(options.sessionStorage, options.target, options.dialTimeout);
    this.#stopWatching = options.syncTabs
      ? this.#store.watch((key, previous) => this.#follow(key, previous))
      : () => {};
  }

  /** The session, as last received from the server. */
  get current(): ClientSession | null {
    return this.#session;
  }

  /**
   * Closes the sessions that were closed without a connection, and restores the session on a new connection, if there is a key. The
   * key is deleted if the session no longer exists. After a temporary failure, the connection is used without the session, and
   * restoring is repeated later.
   * @throws Error if the connection is lost or the server does not reply: the attempt to connect has failed.
   */
  async prepare(send: SendRequest): Promise<void> {
    const key = await this.#knownKey();
    this.#isOutdated = key !== undefined || this.#closedKeys.size > 0;
    await this.update(send);
  }

  /**
   * Restores or closes the session once more if, since `prepare()`, another page has changed the key, or the application has closed
   * the session: messages that wait must not be sent with a session that was closed.
   * @returns `true` if the connection has a session that was restored.
   * @throws Error See `prepare()`.
   */
  async update(send: SendRequest): Promise<boolean> {
    while (this.#isOutdated) {
      this.#failure = await this.#synchronize(send);
      if (this.#failure && !this.#isOutdated) this.#end(this.#failure);
    }
    // The server may have closed the session right after the reply, or `onConnect` may have made it create one.
    return this.#session !== null && !this.#isNew;
  }

  /** The new connection is in use. */
  connected(): void {
    // Since `prepare()`, another page has changed the key, or the application has closed the session.
    if (this.#isOutdated) void this.#adjust(0);
    else if (this.#failure) this.#retryLater(1);
  }

  /** The connection has ended. */
  lost(): void {
    this.#cancelAdjustment();
  }

  /** The client closes. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelAdjustment();
    this.#stopWatching();
  }

  async restore(key: string, send: SendRequest): Promise<ClientSession> {
    return send(encodeRestoreSession(key), ({ bytes }) => this.#begin(bytes));
  }

  async close(send: SendRequest): Promise<void> {
    // Before the first attempt to connect, a function may have the URL, under which the key is stored.
    const hasToAsk = this.#isStopped || this.#options.target.location === '';
    // A known session is closed without an await, so that this request is sent before later ones. A key that was stored since
    // this client connected belongs to another page or process.
    if (this.#key === undefined && !hasToAsk && !this.#callbacks.sender()) await this.#knownKey();
    if (hasToAsk || (this.#key !== undefined && this.#callbacks.sender())) return this.#sendClose(send, 'client');
    if (this.#key === undefined) return;
    this.#closedKeys.add(this.#key);
    // A request that restores the session may be in flight.
    this.#isOutdated = true;
    this.#end('client');
  }

  /**
   * The server created a session.
   * @throws ProtocolError for an invalid one.
   */
  created(bytes: Uint8Array): void {
    this.#callbacks.emit('sessionCreated', { session: this.#begin(bytes) });
    this.#isNew = true;
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

  #use(session: ClientSession | null): void {
    this.#isNew = false;
    this.#session = session;
    this.#callbacks.changed();
  }

  /** The client has a new session: stores its key for other pages, and for later. */
  #begin(bytes: Uint8Array): ClientSession {
    const session = readSession(bytes);
    this.#use(session);
    this.#key = session.key;
    this.#markOutdated();
    this.#store.write(session.key);
    return session;
  }

  #end(reason: SessionClosedReason): void {
    const event = { reason, session: this.#session };
    this.#use(null);
    // After a temporary failure, the client keeps the key.
    if (reason !== 'max-connections' && reason !== 'restore-failed') {
      this.#markOutdated();
      if (this.#key !== undefined) this.#store.remove(this.#key);
      this.#key = undefined;
    }
    this.#callbacks.emit('sessionClosed', event);
  }

  /**
   * Makes the server use the session of this client on the connection: restores it, or without a key, closes the session that the
   * connection may have. If the session no longer exists, the key is deleted. Before, it closes the sessions that were closed
   * without a connection.
   * @returns The failure if it is temporary.
   */
  async #synchronize(send: SendRequest): Promise<TemporaryFailure | undefined> {
    this.#isOutdated = false;
    const hasClosed = this.#closedKeys.size > 0;
    for (const key of this.#closedKeys) await this.#closeLate(key, send);
    const wanted = this.#key;
    if (wanted === undefined) {
      if (!hasClosed) await this.#sendClose(send, 'other-tab');
      return undefined;
    }
    try {
      await send(encodeRestoreSession(wanted), ({ bytes }) => {
        const restored = readSession(bytes);
        if (this.#isOutdated) return;
        this.#use(restored);
        // The server may have created another session on this connection before, which this one has replaced.
        if (this.#key !== wanted) this.#store.write(wanted);
        this.#key = wanted;
      });
    } catch (error) {
      const failure = failureOf(error);
      if (failure !== 'not-found') return failure;
      if (!this.#isOutdated) {
        this.#end('not-found');
        this.#isOutdated = false;
      }
    }
    return undefined;
  }

  /** Closes a session that was closed without a connection: the server closes only the session of a connection. */
  async #closeLate(key: string, send: SendRequest): Promise<void> {
    try {
      await send(encodeRestoreSession(key), () => undefined);
      await send(encodeCloseSession(), () => undefined);
    } catch (error) {
      // After a temporary failure, the next connection tries again.
      if (failureOf(error) !== 'not-found') return;
    }
    this.#closedKeys.delete(key);
  }

  /** Closes the session of the connection, also one that the server creates before it replies. */
  #sendClose(send: SendRequest, reason: SessionClosedReason): Promise<void> {
    const key = this.#key;
    return send(encodeCloseSession(), () => {
      // A key that another page has stored during the request stays: its session is not restored yet.
      if (this.#session || (key !== undefined && this.#key === key)) this.#end(reason);
      if (this.#key !== undefined) return;
      this.#cancelAdjustment();
      this.#isOutdated = false;
    });
  }

  /** The session has changed: the reply to a session request in flight is outdated, and no adjustment is necessary. */
  #markOutdated(): void {
    this.#cancelAdjustment();
    // Not while connecting: then a restored session replaces one that the server has created.
    if (this.#callbacks.sender()) this.#isOutdated = true;
  }

  #cancelAdjustment(): void {
    clearTimeout(this.#retryTimer);
    this.#failure = undefined;
    this.#adjustments++;
  }

  #retryLater(attempt: number): void {
    this.#retryTimer = setTimeout(() => void this.#adjust(attempt), delayBefore(attempt, this.#options.backoff));
  }

  /**
   * Synchronizes the session on a connection that is in use.
   * @param attempt Counts from 0. If attempt 0 fails, an event is emitted.
   */
  async #adjust(attempt: number): Promise<void> {
    this.#cancelAdjustment();
    const adjustment = this.#adjustments;
    // One of the requests in flight may be a sign-in. The server would refuse it on a connection that has got a session
    // meanwhile, and a close request could end the new session.
    await settledWithin(this.#callbacks.requestsSettled(), this.#options.dialTimeout);
    const send = this.#callbacks.sender();
    if (adjustment !== this.#adjustments || !send) return;
    const before = this.#session;
    this.#isAdjusting = true;
    const failure = await this.#synchronize(send).catch(() => 'no-reply' as const);
    this.#isAdjusting = false;
    // If the connection is lost, the session is restored on the next one.
    if (!this.#callbacks.sender()) return;
    if (this.#isOutdated) void this.#adjust(0);
    else if (failure) {
      if (attempt === 0 && failure !== 'no-reply') this.#end(failure);
      this.#retryLater(attempt + 1);
    } else if (this.#session && this.#session.key !== before?.key) {
      this.#callbacks.emit('sessionRestored', { session: this.#session });
    }
  }

  /** Another page has changed the key in the storage. */
  #follow(key: string | undefined, previous: string | undefined): void {
    // The client has another session than the one that was replaced.
    if (this.#key !== undefined && this.#key !== previous) return;
    if (this.#key === key) return;
    const ended = this.#session;
    this.#isOutdated = true;
    this.#use(null);
    this.#key = key;
    if (ended) this.#callbacks.emit('sessionClosed', { reason: 'other-tab', session: ended });
    // A request of an adjustment in flight is outdated now, so that another adjustment follows it.
    if (this.#callbacks.sender() && !this.#isAdjusting) void this.#adjust(0);
  }
}

/**
 * Returns the reason why a session was not restored.
 * @throws The error if the connection is lost or the server does not reply.
 */
function failureOf(error: unknown): TemporaryFailure | 'not-found' {
  if (error instanceof MaxSessionConnectionsReachedError) return 'max-connections';
  if (error instanceof InternalServerError || error instanceof BufferOverflowError) return 'restore-failed';
  if (error instanceof SessionNotFoundError || error instanceof SessionsDisabledError) return 'not-found';
  throw error;
}
