import type { ClientSession } from './client-session.js';

/** The reason why the session of a client ended. */
export type SessionClosedReason =
  /** The application called `client.closeSession()`. */
  | 'client'
  /** The server closed the session. */
  | 'server'
  /** Another page with the same storage closed or replaced the session (option `syncTabs`). */
  | 'other-tab'
  /** The session could not be restored: it no longer exists, or sessions are disabled. */
  | 'not-found'
  /** The session has its maximum number of connections. The client keeps the key and tries again: see `sessionRestored`. */
  | 'max-connections'
  /** The server failed to restore the session. The client keeps the key and tries again: see `sessionRestored`. */
  | 'restore-failed';

/** The events of a `WebwireClient`, by name: `client.on('connected', (event) => …)`. */
export interface ClientEvents {
  /** The client has connected and, if it had a session key, tried to restore the session. */
  connected: {
    /** `true` if the connection replaces a lost one; `false` after `disconnect()` and `connect()`. */
    isReconnect: boolean;
    /** `true` if `client.session` was restored from the last connection or the storage; `false` if it is new. */
    isSessionRestored: boolean;
  };
  /** The connection has ended. */
  disconnected: {
    /** A `DisconnectedError`; a `ProtocolError` if the server broke the protocol. */
    error: Error;
    /** WebSocket close code; 1006 for a broken connection, `undefined` if the client ended it. */
    code: number | undefined;
    /** Reason in the close frame of the server, unchecked; often empty. */
    reason: string;
    /** `true` if the client will try to connect again. */
    willReconnect: boolean;
  };
  /** The client will try to connect again after a delay. */
  reconnecting: {
    /** Counts from 1 for each lost connection. */
    attempt: number;
    /** Delay before the attempt, in milliseconds. */
    delay: number;
    /** The error of the last connection or attempt. */
    error: Error;
  };
  /** The server created a session. */
  sessionCreated: { session: ClientSession };
  /**
   * A session was restored on a connection that was already in use: the first attempt had failed, or another page with the
   * same storage has a new session. For a session that is restored while connecting, there is only the event `connected`.
   */
  sessionRestored: { session: ClientSession };
  /** The session has ended, or could not be restored. */
  sessionClosed: {
    reason: SessionClosedReason;
    /** The ended session; `null` if it was not restored yet. */
    session: ClientSession | null;
  };
  /** An error that rejects no promise: of a listener, of a signal handler, or of an attempt to reconnect that is not repeated. */
  error: { error: unknown };
}

export type EmitEvent = <Name extends keyof ClientEvents>(name: Name, event: ClientEvents[Name]) => void;

/** Calls a listener, and passes its error or rejection to `report`. */
export function callSafely(listener: () => unknown, report: (error: unknown) => void): void {
  try {
    const result = listener();
    if (typeof result === 'object') Promise.resolve(result).catch(report);
  } catch (error) {
    report(error);
  }
}

/** Listeners by name. */
export class Listeners<Listener> {
  readonly #entries = new Set<readonly [name: unknown, listener: Listener]>();

  /** @returns A function that removes the listener. */
  add(name: unknown, listener: Listener): () => void {
    const entry = [name, listener] as const;
    this.#entries.add(entry);
    return () => void this.#entries.delete(entry);
  }

  /** Returns a copy, because listeners may add and remove others. */
  of(...names: unknown[]): Listener[] {
    return [...this.#entries].filter(([name]) => names.includes(name)).map(([, listener]) => listener);
  }
}

/** Returns the function that calls the listeners of a client's events. */
export function createEmit(listeners: Listeners<(event: never) => unknown>): EmitEvent {
  const emit: EmitEvent = (name, event) => {
    const called = listeners.of(name) as ((event: object) => unknown)[];
    if (name === 'error' && called.length === 0) console.error((event as ClientEvents['error']).error);
    // An error of an error listener goes to the console: as another event `error`, it would call the same listener again.
    const report = (error: unknown) => (name === 'error' ? console.error(error) : emit('error', { error }));
    for (const listener of called) callSafely(() => listener(event), report);
  };
  return emit;
}
