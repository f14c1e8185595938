import { encodeMessage, IDENTIFIER_LENGTH, MessageType, type EncodableMessage } from '../protocol/index.js';
import { SessionError } from './session-error.js';
import { copySessionInfo } from './session-info.js';
import { isSessionKey } from './session-key-generator.js';
import type { SessionConnection } from './session-manager.js';
import type { SessionMember } from './session-member.js';
import type { SessionService } from './session-service.js';
import { Session } from './session.js';

/** Sends messages to the client of a connection. */
interface ClientOutbox {
  /**
   * @returns False if the message was not sent, because the connection is closing or gone.
   * @throws BufferOverflowError if it does not fit the client's buffer.
   */
  send(message: EncodableMessage): boolean;
  /** @throws BufferOverflowError if the message does not fit the client's buffer. */
  assertFits(message: Uint8Array): void;
}

/** The session of one connection, if it has one. Its operations run one after the other. */
export class ConnectionSession implements SessionMember {
  #session: Session | null = null;
  #isGone: boolean;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly sessionService: SessionService,
    readonly connection: SessionConnection,
    private readonly outbox: ClientOutbox,
    isGone = false,
  ) {
    this.#isGone = isGone;
  }

  /** The session of the connection; stays readable when the connection is gone. */
  get session(): Session | null {
    return this.#session;
  }

  /**
   * Creates a session (docs/PROTOCOL.md, section 6), unless it could not be restored later.
   * @throws SessionError, BufferOverflowError, or the error of the key generator or the manager; no session is created then.
   */
  async create(info?: object): Promise<void> {
    const copied = info === undefined ? undefined : copySessionInfo(info);
    return this.#serially(async () => {
      const { sessionService } = this;
      this.#assertOpen();
      if (this.#session) throw new SessionError('SESSION_ACTIVE', 'the connection already has a session');
      const key = await sessionService.generateKey();
      const now = new Date();
      const session = new Session(key, { createdAt: now, lastLookupAt: now, info: copied });
      sessionService.store.assertStorable(session);
      // The reply to a restore request is longer than SessionCreated, by the identifier of the request.
      this.outbox.assertFits(encodeMessage(restored(new Uint8Array(IDENTIFIER_LENGTH), session)));
      await sessionService.exclusively(key, () => this.#start(session));
    });
  }

  async #start(session: Session): Promise<void> {
    const { registry, limits, store } = this.sessionService;
    const { key } = session;
    if ((await registry.take(key, this, { limit: limits.maxConnections, isNew: true })) !== 'taken') {
      throw new SessionError('INVALID_SESSION_KEY', 'the session key generator made a key that is already in use');
    }
    try {
      this.#assertOpen();
      const isSent = this.outbox.send({ type: MessageType.SessionCreated, session: jsonOf(session) });
      if (!isSent) throw connectionClosed();
    } catch (error) {
      await registry.leave(key, this);
      throw error;
    }
    this.#session = session;
    await store.create(this.connection, key);
  }

  /**
   * Gives the connection an existing session and sends the reply. A session that it had is released, as if the
   * connection were lost; the connection keeps it if the other cannot be restored.
   */
  restore(id: Uint8Array, key: string): Promise<void> {
    // The deadline includes the time in queues. Otherwise, the timeouts of several requests for one session would add up if the
    // manager does not answer.
    const deadline = performance.now() + this.sessionService.limits.managerTimeout;
    return this.#serially(async () => {
      if (!isSessionKey(key)) this.outbox.send({ type: MessageType.ReplySessionNotFound, id });
      else if (!this.#isGone) await this.sessionService.exclusively(key, () => this.#restore(id, key, deadline));
    });
  }

  async #restore(id: Uint8Array, key: string, deadline: number): Promise<void> {
    // The client has gone, so its queued requests are skipped.
    if (this.#isGone) return;
    const { registry } = this.sessionService;
    const isOwn = this.#session?.key === key;
    if (!(await this.#join(id, key))) return;
    const session = await this.#lookUp(id, key, deadline);
    const released = this.#session;
    // Replaces the session and sends the reply in one step. Otherwise, the client could take a SessionClosed for the old session
    // for one of the new session.
    if (session && this.#takeOver(id, session)) {
      if (released && released.key !== key) await registry.leave(released.key, this);
    } else if (!isOwn || this.#isGone) {
      await registry.leave(key, this);
    }
  }

  /** @returns True if the connection is a member of the session now. If not, sends the reply to the client. */
  async #join(id: Uint8Array, key: string): Promise<boolean> {
    const { registry, limits, report } = this.sessionService;
    try {
      const result = await registry.take(key, this, { limit: limits.maxConnections, isNew: false });
      if (result === 'taken') return true;
      if (result === 'full') this.outbox.send({ type: MessageType.ReplyMaxSessionConnectionsReached, id });
      else if (result === 'closed') this.outbox.send({ type: MessageType.ReplySessionNotFound, id });
      else throw new TypeError(`the cluster answered ${String(result)} instead of 'taken', 'full' or 'closed'`);
    } catch (error) {
      this.outbox.send({ type: MessageType.ReplyInternalError, id });
      // The cluster logs by itself that it cannot be reached.
      const isUnavailable = error instanceof SessionError && error.code === 'CLUSTER_UNAVAILABLE';
      if (!isUnavailable) report('Counting the connections of a session', error, key);
    }
    return false;
  }

  /** @returns The session. If it does not exist, sends the reply to the client. */
  async #lookUp(id: Uint8Array, key: string, deadline: number): Promise<Session | undefined> {
    try {
      const record = await this.sessionService.store.lookUp(key, deadline);
      if (record) return new Session(key, record);
      this.outbox.send({ type: MessageType.ReplySessionNotFound, id });
    } catch (error) {
      this.#failLookup(id, key, error);
    }
    return undefined;
  }

  /** @returns True if the connection has the session now, and the client its reply. */
  #takeOver(id: Uint8Array, session: Session): boolean {
    if (this.#isGone) return false;
    try {
      this.outbox.send(restored(id, session));
    } catch (error) {
      this.#failLookup(id, session.key, error);
      return false;
    }
    this.#session = session;
    return true;
  }

  #failLookup(id: Uint8Array, key: string, error: unknown): void {
    this.outbox.send({ type: MessageType.ReplyInternalError, id });
    this.sessionService.report('onSessionLookup', error, key);
  }

  /** Closes the session for the server, and sends SessionClosed. Does nothing without a session. */
  close(): Promise<void> {
    return this.#close((key) => this.drop(key));
  }

  /** Closes the session for the client and confirms it. A failure to destroy the session is logged. */
  async closeForClient(id: Uint8Array): Promise<void> {
    let closed = '';
    try {
      await this.#close((key) => {
        closed = key;
        this.#session = null;
      });
    } catch (error) {
      // A SessionError is in the log already.
      if (!(error instanceof SessionError)) this.sessionService.report('Closing a session', error, closed);
    }
    this.outbox.send({ type: MessageType.ReplyBinary, id });
  }

  #close(leave: (key: string) => void): Promise<void> {
    return this.#serially(async () => {
      const key = this.#session?.key;
      if (key === undefined || this.#isGone) return;
      await this.sessionService.exclusively(key, async () => {
        // It may have been closed by another operation meanwhile, or the connection may be lost.
        if (this.#session?.key !== key || this.#isGone) return;
        leave(key);
        await this.sessionService.closeOn(key, this);
      });
    });
  }

  /** Takes the session from the connection, and sends SessionClosed. Does nothing if the connection has another one. */
  drop(key: string): void {
    if (this.#session?.key !== key) return;
    this.#session = null;
    this.outbox.send({ type: MessageType.SessionClosed });
  }

  /** The connection is gone. Its session can be restored on another one. */
  async release(): Promise<void> {
    this.#isGone = true;
    if (this.#session) await this.sessionService.registry.leave(this.#session.key, this);
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

/** The reply to a request that restores a session. */
function restored(id: Uint8Array, session: Session): EncodableMessage {
  return { type: MessageType.ReplyUtf8, id, payload: jsonOf(session) };
}

function jsonOf(session: Session): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(session));
}
