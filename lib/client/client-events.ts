import type { ClientSession } from './client-session.js';

/** Why a client has no session any more. */
export type SessionClosedReason =
  /** `client.closeSession()`. */
  | 'client'
  /** The server closed it. */
  | 'server'
  /** Another page that shares the storage closed its session, or signed in as somebody else (option `syncTabs`). */
  | 'other-tab'
  /** The server has no such session any more, or no sessions at all: it could not be restored. */
  | 'not-found'
  /** It is active on as many connections as it may be. The key is kept, and restoring is repeated: see `sessionRestored`. */
  | 'max-connections'
  /** The server failed to restore it. The key is kept, and restoring is repeated: see `sessionRestored`. */
  | 'restore-failed';

/** The events of a `WebwireClient`, by name: `client.on('connected', (event) => …)`. */
export interface ClientEvents {
  /** There is a connection, and its session is restored if there was one. */
  connected: {
    /** Whether there was a connection before. */
    isReconnect: boolean;
    /** Whether `client.session` is the one from before: of the last connection, or of the storage. */
    isSessionRestored: boolean;
  };
  /** The connection is gone. */
  disconnected: {
    /** A `DisconnectedError`, a `ProtocolError` if the server broke the protocol, … */
    error: Error;
    /** WebSocket close code: 1006 if the connection broke, `undefined` if the client ended it. */
    code: number | undefined;
    /** What the server gave as the reason, unchecked; often empty. */
    reason: string;
    /** Whether the client tries to connect again. */
    willReconnect: boolean;
  };
  /** The next attempt to connect comes after a delay. */
  reconnecting: {
    /** Counts from 1 for each connection that was lost. */
    attempt: number;
    /** In milliseconds. */
    delay: number;
    /** Why the last connection ended, or the last attempt failed. */
    error: Error;
  };
  /** The server created a session. */
  sessionCreated: { session: ClientSession };
  /**
   * A session was restored on a connection that was in use already: the server had refused it at first, or another page that
   * shares the storage signed in. What is restored with the connection itself is reported by `connected` alone.
   */
  sessionRestored: { session: ClientSession };
  /** The session is over, or could not be restored. */
  sessionClosed: {
    reason: SessionClosedReason;
    /** The session as it was; `null` if only its key was known. */
    session: ClientSession | null;
  };
  /** A failure that rejects no promise: of a listener, of a signal handler, or of reconnecting for good. */
  error: { error: unknown };
}

/** Reports an event. */
export type Emit = <Name extends keyof ClientEvents>(name: Name, event: ClientEvents[Name]) => void;

/** Calls a listener. An error that it throws, or its promise rejects with, is passed to `report`. */
export function callSafely(listener: () => unknown, report: (error: unknown) => void): void {
  try {
    const result = listener();
    if (typeof result === 'object') Promise.resolve(result).catch(report);
  } catch (error) {
    report(error);
  }
}

/** Listeners, by the name of what they listen to. */
export class Listeners<Listener> {
  readonly #entries = new Set<readonly [name: unknown, listener: Listener]>();

  /** @returns A function that removes the listener. */
  add(name: unknown, listener: Listener): () => void {
    const entry = [name, listener] as const;
    this.#entries.add(entry);
    return () => void this.#entries.delete(entry);
  }

  /** A copy: listeners may add and remove others. */
  of(...names: unknown[]): Listener[] {
    return [...this.#entries].filter(([name]) => names.includes(name)).map(([, listener]) => listener);
  }
}
