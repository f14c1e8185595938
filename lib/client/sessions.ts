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
 * Sends a request. The session is what the server said last: `read` makes the result of the reply before a later message is
 * read.
 */
export type Ask = <Result>(message: Uint8Array, read: (reply: Payload) => Result) => Promise<Result>;

/**
 * The session of a client (PROTOCOL.md, section 6): how it is created, restored and closed. Its key is kept in a storage,
 * which may fail without harm: then the session lasts as long as the client.
 */
export interface Sessions {
  /** As it was last heard of. */
  current(): ClientSession | null;
  /**
   * Restores the session on a new connection, if there is one. A session that is gone is forgotten; one that the server
   * refuses for now is kept for the next time, and the connection goes on without.
   * @returns Whether it is restored.
   * @throws Error if the connection is lost, or the server does not answer: the attempt to connect has failed.
   */
  prepare(ask: Ask): Promise<boolean>;
  restore(key: string, ask: Ask): Promise<ClientSession>;
  close(ask: Ask): Promise<void>;
  /** The server created a session. Throws a ProtocolError if it is none. */
  created(bytes: Uint8Array): void;
  /** The server closed the session. */
  closed(): void;
}

export function createSessions({ sessionStorage, storageName }: ResolvedClientOptions, emit: Emit): Sessions {
  let session: ClientSession | null = null;
  let key: string | undefined;

  const inStorage = (method: keyof StorageLike, value = '') => {
    try {
      return sessionStorage[method](storageName, value);
    } catch {
      return undefined;
    }
  };
  /** Another page or process may have left its key. */
  const knownKey = () => {
    const stored = key ?? inStorage('getItem');
    return isSessionKey(stored) ? stored : undefined;
  };
  const keep = (bytes: Uint8Array) => {
    session = readSession(bytes);
    key = session.key;
    inStorage('setItem', key);
    return session;
  };
  const end = (reason: SessionClosedReason, isGone = true) => {
    const event = { reason, session };
    session = null;
    if (isGone) {
      // The storage may have a newer one already, of another page: that stays.
      if (inStorage('getItem') === key) inStorage('removeItem');
      key = undefined;
    }
    emit('sessionClosed', event);
  };
  const restore = async (wanted: string, ask: Ask) => ask(encodeRestoreSession(wanted), ({ bytes }) => keep(bytes));

  return {
    current: () => session,
    async prepare(ask) {
      key = knownKey();
      if (!key) return false;
      try {
        await restore(key, ask);
        // The server may have closed it at once.
        return !!session;
      } catch (error) {
        const isGone = error instanceof SessionNotFoundError || error instanceof SessionsDisabledError;
        const isFull = error instanceof MaxSessionConnectionsReachedError;
        const hasFailed = error instanceof InternalServerError || error instanceof BufferOverflowError;
        const reason = isGone ? 'not-found' : isFull ? 'max-connections' : hasFailed && 'restore-failed';
        if (!reason) throw error;
        end(reason, isGone);
        return false;
      }
    },
    restore,
    async close(ask) {
      if (!knownKey()) return;
      await ask(encodeCloseSession(), () => {
        // The server may have closed it meanwhile, or it could not be restored: that was told.
        if (key) end('client');
      });
    },
    created: (bytes) => emit('sessionCreated', { session: keep(bytes) }),
    closed() {
      if (session) end('server');
    },
  };
}
