import { MessageType, type EncodableMessage } from '../protocol/index.js';
import { SessionError } from './session-error.js';
import type { SessionHub } from './session-hub.js';
import { copySessionInfo } from './session-info.js';
import { isSessionKey } from './session-key-generator.js';
import type { SessionConnection } from './session-manager.js';
import { Session, type SessionRecord } from './session.js';

/**
 * Sends a message to the client; nothing happens if the connection is gone.
 * @throws BufferOverflowError if it does not fit the client's buffer.
 */
export type SendMessage = (message: EncodableMessage) => void;

/** The place of one connection for a session. Its operations run one after the other. */
export class SessionSlot {
  #session: Session | null = null;
  #isGone: boolean;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly hub: SessionHub,
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
      const key: unknown = await this.hub.keyGenerator.generate();
      if (!isSessionKey(key)) {
        throw new SessionError(
          'INVALID_SESSION_KEY',
          'the key generator made a key that is not 1 to 255 printable ASCII characters',
        );
      }
      const now = new Date();
      const session = new Session(key, { createdAt: now, lastLookupAt: now, info: copied });
      await this.hub.exclusively(key, () => this.#start(session));
    });
  }

  async #start(session: Session): Promise<void> {
    const { hub } = this;
    const { key } = session;
    if (hub.registry.connections(key).length > 0) {
      throw new SessionError('INVALID_SESSION_KEY', 'the key generator made the key of an active session');
    }
    await hub.registry.add(key, this, hub.maxConnections);
    try {
      this.#assertOpen();
      this.send({ type: MessageType.SessionCreated, session: bytesOf(session) });
    } catch (error) {
      await hub.registry.remove(key, this);
      throw error;
    }
    this.#session = session;
    try {
      await hub.manager.onSessionCreated(this.connection);
    } catch (error) {
      hub.report('onSessionCreated', error, key);
    }
  }

  /**
   * Gives the connection an existing session and sends the reply. A session that it had is released, as if the
   * connection were lost; it keeps that one if the other cannot be had.
   */
  restore(id: Uint8Array, key: string): Promise<void> {
    return this.#serially(() =>
      isSessionKey(key) ? this.hub.exclusively(key, () => this.#restore(id, key)) : this.#notFound(id),
    );
  }

  async #restore(id: Uint8Array, key: string): Promise<void> {
    const { registry, maxConnections } = this.hub;
    const isOwn = this.#session?.key === key;
    if (!(await registry.add(key, this, maxConnections))) {
      this.send({ type: MessageType.ReplyMaxSessionConnectionsReached, id });
      return;
    }
    const session = await this.#lookUp(id, key);
    if (!session || this.#isGone) {
      if (!isOwn || this.#isGone) await registry.remove(key, this);
      return;
    }
    const released = this.#session;
    this.#session = session;
    if (released && released.key !== key) await registry.remove(released.key, this);
  }

  /** The session, if it was found and the reply with it could be sent; else the reply says why not. */
  async #lookUp(id: Uint8Array, key: string): Promise<Session | undefined> {
    try {
      const record: SessionRecord | null | undefined = await this.hub.manager.onSessionLookup(key);
      if (!record) {
        await this.#notFound(id);
        return undefined;
      }
      const session = new Session(key, record);
      this.send({ type: MessageType.ReplyUtf8, id, payload: bytesOf(session) });
      return session;
    } catch (error) {
      this.hub.report('onSessionLookup', error, key);
      this.send({ type: MessageType.ReplyInternalError, id });
      return undefined;
    }
  }

  async #notFound(id: Uint8Array): Promise<void> {
    this.send({ type: MessageType.ReplySessionNotFound, id });
  }

  /** Closes the session for the server: the client is told. Does nothing without one. */
  close(): Promise<void> {
    return this.#close((key) => this.drop(key));
  }

  /** Closes the session for the client and confirms it. */
  async closeForClient(id: Uint8Array): Promise<void> {
    const key = this.#session?.key ?? '';
    try {
      await this.#close(() => {
        this.#session = null;
      });
    } catch (error) {
      this.hub.report('onSessionClosed', error, key);
    }
    this.send({ type: MessageType.ReplyBinary, id });
  }

  #close(leave: (key: string) => void): Promise<void> {
    return this.#serially(async () => {
      const key = this.#session?.key;
      if (key === undefined) return;
      await this.hub.exclusively(key, async () => {
        // Somebody else may have closed it while this waited.
        if (this.#session?.key !== key) return;
        leave(key);
        const others = await this.hub.registry.remove(key, this);
        if (others === 0) await this.hub.destroy(key);
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
    if (this.#session) await this.hub.registry.remove(this.#session.key, this);
  }

  #assertOpen(): void {
    if (this.#isGone) throw new SessionError('CONNECTION_CLOSED', 'the connection is gone');
  }

  #serially<T>(operation: () => Promise<T>): Promise<T> {
    const run = this.#last.then(operation);
    this.#last = run.catch(() => undefined);
    return run;
  }
}

function bytesOf(session: Session): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(session));
}
