import { MessageType, type EncodableMessage } from '../protocol/index.js';
import { SessionError } from './session-error.js';
import type { SessionService } from './session-service.js';
import { copySessionInfo } from './session-info.js';
import { isSessionKey } from './session-key-generator.js';
import type { SessionConnection } from './session-manager.js';
import { Session, type SessionRecord } from './session.js';

/**
 * Sends a message to the client.
 * @returns Whether it is on its way: not if the connection is closing or gone.
 * @throws BufferOverflowError if it does not fit the client's buffer.
 */
export type SendMessage = (message: EncodableMessage) => boolean;

/** The place of one connection for a session. Its operations run one after the other. */
export class ConnectionSession {
  #session: Session | null = null;
  #isGone: boolean;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly sessionService: SessionService,
    readonly connection: SessionConnection,
    private readonly send: SendMessage,
    isGone = false,
  ) {
    this.#isGone = isGone;
  }

  /** The session of the connection; stays readable when the connection is gone. */
  get session(): Session | null {
    return this.#session;
  }

  /**
   * Creates a session (PROTOCOL.md, section 6).
   * @throws SessionError, BufferOverflowError, or what the key generator throws; then there is no session.
   */
  async create(info?: object): Promise<void> {
    const copied = info === undefined ? undefined : copySessionInfo(info);
    return this.#serially(async () => {
      this.#assertOpen();
      if (this.#session) throw new SessionError('SESSION_ACTIVE', 'the connection already has a session');
      const key: unknown = await this.sessionService.keyGenerator.generate();
      if (!isSessionKey(key)) {
        throw new SessionError(
          'INVALID_SESSION_KEY',
          'the key generator made a key that is not 1 to 255 printable ASCII characters',
        );
      }
      const now = new Date();
      const session = new Session(key, { createdAt: now, lastLookupAt: now, info: copied });
      await this.sessionService.exclusively(key, () => this.#start(session));
    });
  }

  async #start(session: Session): Promise<void> {
    const { sessionService } = this;
    const { key } = session;
    if (
      (await sessionService.registry.take(key, this, { limit: sessionService.maxConnections, isNew: true })) !== 'taken'
    ) {
      throw new SessionError('INVALID_SESSION_KEY', 'the key generator made the key of an active session');
    }
    try {
      this.#assertOpen();
      const isSent = this.send({ type: MessageType.SessionCreated, session: bytesOf(session) });
      if (!isSent) throw connectionClosed();
    } catch (error) {
      await sessionService.registry.leave(key, this);
      throw error;
    }
    this.#session = session;
    try {
      await sessionService.manager.onSessionCreated(this.connection);
    } catch (error) {
      sessionService.report('onSessionCreated', error, key);
    }
  }

  /**
   * Gives the connection an existing session and sends the reply. A session that it had is released, as if the
   * connection were lost; it keeps that one if the other cannot be had.
   */
  restore(id: Uint8Array, key: string): Promise<void> {
    return this.#serially(async () => {
      if (!isSessionKey(key)) this.send({ type: MessageType.ReplySessionNotFound, id });
      else if (!this.#isGone) await this.sessionService.exclusively(key, () => this.#restore(id, key));
    });
  }

  async #restore(id: Uint8Array, key: string): Promise<void> {
    // Nobody waits for it any more; the queue of a client that has left is soon empty.
    if (this.#isGone) return;
    const { registry } = this.sessionService;
    const isOwn = this.#session?.key === key;
    if (!(await this.#takePlace(id, key))) return;
    const session = await this.#lookUp(id, key);
    const released = this.#session;
    // The reply and the session go together: whoever closes the old one meanwhile must not seem to close the new one.
    if (session && this.#takeOver(id, session)) {
      if (released && released.key !== key) await registry.leave(released.key, this);
    } else if (!isOwn || this.#isGone) {
      await registry.leave(key, this);
    }
  }

  /** Whether it has one now; if not, the reply already says why. */
  async #takePlace(id: Uint8Array, key: string): Promise<boolean> {
    const { registry, maxConnections } = this.sessionService;
    try {
      const result = await registry.take(key, this, { limit: maxConnections, isNew: false });
      if (result === 'taken') return true;
      if (result === 'full') this.send({ type: MessageType.ReplyMaxSessionConnectionsReached, id });
      else if (result === 'closed') this.send({ type: MessageType.ReplySessionNotFound, id });
      else throw new TypeError(`the cluster answered ${String(result)} instead of 'taken', 'full' or 'closed'`);
    } catch (error) {
      this.send({ type: MessageType.ReplyInternalError, id });
      this.#reportUnlessKnown('Joining a session', error, key);
    }
    return false;
  }

  /** The session, unless the reply already says why there is none. */
  async #lookUp(id: Uint8Array, key: string): Promise<Session | undefined> {
    try {
      const record: SessionRecord | null | undefined = await this.sessionService.manager.onSessionLookup(key);
      if (record) return new Session(key, record);
      this.send({ type: MessageType.ReplySessionNotFound, id });
    } catch (error) {
      this.#failLookup(id, key, error);
    }
    return undefined;
  }

  /** Whether the client was told that it has the session now. */
  #takeOver(id: Uint8Array, session: Session): boolean {
    if (this.#isGone) return false;
    try {
      this.send({ type: MessageType.ReplyUtf8, id, payload: bytesOf(session) });
    } catch (error) {
      this.#failLookup(id, session.key, error);
      return false;
    }
    this.#session = session;
    return true;
  }

  #failLookup(id: Uint8Array, key: string, error: unknown): void {
    this.send({ type: MessageType.ReplyInternalError, id });
    this.sessionService.report('onSessionLookup', error, key);
  }

  /** Closes the session for the server: the client is told. Does nothing without one. */
  close(): Promise<void> {
    return this.#close((key) => this.drop(key));
  }

  /** Closes the session for the client and confirms it, whatever becomes of the store, which is logged. */
  async closeForClient(id: Uint8Array): Promise<void> {
    const key = this.#session?.key ?? '';
    try {
      await this.#close(() => {
        this.#session = null;
      });
    } catch (error) {
      this.#reportUnlessKnown('Closing a session', error, key);
    }
    this.send({ type: MessageType.ReplyBinary, id });
  }

  #close(leave: (key: string) => void): Promise<void> {
    return this.#serially(async () => {
      const key = this.#session?.key;
      if (key === undefined || this.#isGone) return;
      await this.sessionService.exclusively(key, async () => {
        // Somebody else may have closed it while this waited, or the connection was lost.
        if (this.#session?.key !== key || this.#isGone) return;
        leave(key);
        await this.sessionService.closeOn(key, this);
      });
    });
  }

  /** Takes the session away and tells the client. */
  drop(key: string): void {
    if (this.#session?.key !== key) return;
    this.#session = null;
    this.send({ type: MessageType.SessionClosed });
  }

  /** The connection is gone. The session can be restored on another. */
  async release(): Promise<void> {
    this.#isGone = true;
    if (this.#session) await this.sessionService.registry.leave(this.#session.key, this);
  }

  /** A `SessionError` is already in the log; a cluster of the application's own may fail with anything. */
  #reportUnlessKnown(subject: string, error: unknown, key: string): void {
    if (!(error instanceof SessionError)) this.sessionService.report(subject, error, key);
  }

  #assertOpen(): void {
    if (this.#isGone) throw connectionClosed();
  }

  #serially<T>(operation: () => Promise<T>): Promise<T> {
    const run = this.#last.then(operation);
    this.#last = run.catch(() => undefined);
    return run;
  }
}

function connectionClosed(): SessionError {
  return new SessionError('CONNECTION_CLOSED', 'the connection is closing or gone');
}

function bytesOf(session: Session): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(session));
}
