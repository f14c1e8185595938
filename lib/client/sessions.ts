import { encodeCloseSession, encodeRestoreSession } from '../protocol/client-messages.js';
import type { Payload } from '../protocol/index.js';
import type { Emit, SessionClosedReason } from './client-events.js';
import { isSessionKey, readSession, type ClientSession } from './client-session.js';
import type { ResolvedClientOptions } from './client-options.js';
import {
  BufferOverflowError,
  InternalServerError,
  MaxSessionConnectionsReachedError,
  SessionNotFoundError,
  SessionsDisabledError,
} from './errors.js';
import type { StorageLike } from './platform.js';

/**
 * Sends a request. The session is what the server said last: `arrived` gets the reply before a later message is read.
 */
type Ask = (message: Uint8Array, arrived: (reply: Payload) => void) => Promise<unknown>;

/**
 * The session of a client (PROTOCOL.md, section 6): how it is created, restored and closed. Its key is kept in a storage,
 * which may fail without harm: then the session lasts as long as the client.
 */
export class Sessions {
  /** As it was last heard of. */
  session: ClientSession | null = null;
  #key: string | undefined;
  readonly #options: ResolvedClientOptions;
  readonly #emit: Emit;

  constructor(options: ResolvedClientOptions, emit: Emit) {
    this.#options = options;
    this.#emit = emit;
  }

  /**
   * Restores the session on a new connection, if there is one. A session that is gone is forgotten; one that the server
   * refuses for now is kept for the next time, and the connection goes on without.
   * @returns Whether it is restored.
   * @throws Error if the connection is lost, or the server does not answer: the attempt to connect has failed.
   */
  async prepare(ask: Ask): Promise<boolean> {
    const stored = this.#stored();
    // Another page or process may have left it.
    const key = this.#key ?? (isSessionKey(stored) ? stored : undefined);
    this.#key = key;
    if (!key) return false;
    try {
      await this.restore(key, ask);
      // The server may have closed it at once.
      return this.session !== null;
    } catch (error) {
      const isGone = error instanceof SessionNotFoundError || error instanceof SessionsDisabledError;
      const isFull = error instanceof MaxSessionConnectionsReachedError;
      const hasFailed = error instanceof InternalServerError || error instanceof BufferOverflowError;
      if (!isGone && !isFull && !hasFailed) throw error;
      this.#close(isGone ? 'not-found' : isFull ? 'max-connections' : 'restore-failed', isGone);
      return false;
    }
  }

  async restore(key: string, ask: Ask): Promise<ClientSession> {
    let session!: ClientSession;
    await ask(encodeRestoreSession(key), ({ bytes }) => {
      session = this.#keep(bytes);
    });
    return session;
  }

  async close(ask: Ask): Promise<void> {
    if (!this.#key && !this.#stored()) return;
    await ask(encodeCloseSession(), () => {
      // The server may have closed it meanwhile, or it could not be restored: that was told.
      if (this.#key) this.#close('client');
    });
  }

  /** The server created a session. Throws a ProtocolError if it is none. */
  created(bytes: Uint8Array): void {
    this.#emit('sessionCreated', { session: this.#keep(bytes) });
  }

  /** The server closed the session. */
  closed(): void {
    if (this.session) this.#close('server');
  }

  #keep(bytes: Uint8Array): ClientSession {
    const session = readSession(bytes);
    this.session = session;
    this.#key = session.key;
    this.#store((storage, name) => storage.setItem(name, session.key));
    return session;
  }

  #close(reason: SessionClosedReason, isGone = true): void {
    const { session } = this;
    // The storage may have a newer one already, of another page: that stays.
    if (isGone && this.#stored() === this.#key) this.#store((storage, name) => storage.removeItem(name));
    if (isGone) this.#key = undefined;
    this.session = null;
    this.#emit('sessionClosed', { reason, session });
  }

  #stored(): unknown {
    return this.#store((storage, name) => storage.getItem(name));
  }

  #store(use: (storage: StorageLike, name: string) => unknown): unknown {
    const { sessionStorage, storageName } = this.#options;
    try {
      return sessionStorage && use(sessionStorage, storageName);
    } catch {
      return undefined;
    }
  }
}
