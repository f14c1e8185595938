import type { ClientSession } from './client-session.js';

/** Why a client has no session any more. */
export type SessionClosedReason =
  /** `client.closeSession()`. */
  | 'client'
  /** The server closed it. */
  | 'server'
  /** The server does not know it any more, or has no sessions: it could not be restored. */
  | 'not-found'
  /** It is active on as many connections as it may be. The key is kept: the next connection tries again. */
  | 'max-connections'
  /** The server failed to restore it. The key is kept: the next connection tries again. */
  | 'restore-failed';

/** What a `WebwireClient` tells: `client.on('connected', (event) => …)`. */
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
  /** The server created a session. Restored ones are told of by `connected`. */
  sessionCreated: { session: ClientSession };
  /** The session is over, or could not be restored. */
  sessionClosed: {
    reason: SessionClosedReason;
    /** The session as it was; `null` if only its key was known. */
    session: ClientSession | null;
  };
  /** Something failed that no promise tells of: a listener, a signal handler, or reconnecting for good. */
  error: { error: unknown };
}

/** Tells that something happened. */
export type Emit = <Name extends keyof ClientEvents>(name: Name, event: ClientEvents[Name]) => void;

/** Calls a listener. What it throws, or its promise rejects with, harms nobody: `report` gets it. */
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

  /** Returns what removes it again. */
  add(name: unknown, listener: Listener): () => void {
    const entry = [name, listener] as const;
    this.#entries.add(entry);
    return () => void this.#entries.delete(entry);
  }

  /** Those there are now, whatever they do to the list. */
  of(...names: unknown[]): Listener[] {
    return [...this.#entries].filter(([name]) => names.includes(name)).map(([, listener]) => listener);
  }
}
