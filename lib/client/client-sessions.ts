import { encodeMessage, IDENTIFIER_LENGTH, MessageType } from '../protocol/index.js';
import type { ClientEvents, SessionClosedReason } from './client-events.js';
import { readSession, type ClientSession } from './client-session.js';
import {
  BufferOverflowError,
  InternalServerError,
  MaxSessionConnectionsReachedError,
  RequestError,
  SessionNotFoundError,
  SessionsDisabledError,
} from './errors.js';
import type { Link } from './link.js';
import type { Messenger } from './messenger.js';
import type { OperationOptions } from './operation.js';
import type { SessionKeeper } from './session-keeper.js';

const NO_ID = new Uint8Array(IDENTIFIER_LENGTH);

/** What happens to the session of a client: it is created, restored and closed (PROTOCOL.md, section 6). */
export class ClientSessions {
  #isRestored = false;

  constructor(
    private readonly messenger: Messenger,
    private readonly keeper: SessionKeeper,
    private readonly restoreTimeout: number,
    private readonly emit: <Name extends keyof ClientEvents>(name: Name, event: ClientEvents[Name]) => void,
  ) {}

  /** Whether the session was restored when the present connection was made. */
  get isRestored(): boolean {
    return this.#isRestored;
  }

  /**
   * Restores the session, if there is one, before anybody else may use the connection. A session that is gone is
   * forgotten; one that the server refuses for now is kept for the next time, and the connection goes on without.
   * @throws Error if the connection is lost, or the server does not answer: the attempt to connect has failed.
   */
  async prepare(link: Link): Promise<void> {
    this.#isRestored = false;
    const { key } = this.keeper;
    if (key === undefined) return;
    try {
      const reply = await this.messenger.askFirst(link, restoreMessage(key), this.restoreTimeout);
      this.keeper.keep(readSession(reply.bytes));
      this.#isRestored = true;
    } catch (error) {
      const reason = reasonOf(error);
      if (reason === undefined) throw error;
      this.#close(reason);
    }
  }

  /** The server created a session. Throws a ProtocolError if it is none. */
  created(bytes: Uint8Array): void {
    const session = readSession(bytes);
    this.keeper.keep(session);
    this.emit('sessionCreated', { session });
  }

  /** The server closed the session. */
  closedByServer(): void {
    if (this.keeper.session) this.#close('server');
  }

  async restore(key: string, options: OperationOptions): Promise<ClientSession> {
    const reply = await this.messenger.ask(restoreMessage(key), options);
    const session = readSession(reply.bytes);
    this.keeper.keep(session);
    return session;
  }

  async close(options: OperationOptions): Promise<void> {
    if (this.keeper.key === undefined) return;
    await this.messenger.ask(encodeMessage({ type: MessageType.RequestCloseSession, id: NO_ID }), options);
    if (this.keeper.key !== undefined) this.#close('client');
  }

  #close(reason: SessionClosedReason): void {
    const { session } = this.keeper;
    if (reason === 'max-connections' || reason === 'restore-failed') this.keeper.suspend();
    else this.keeper.forget();
    this.emit('sessionClosed', { reason, session });
  }
}

function restoreMessage(sessionKey: string): Uint8Array {
  return encodeMessage({ type: MessageType.RequestRestoreSession, id: NO_ID, sessionKey });
}

/** Why there is no session, though the connection is fine. */
function reasonOf(error: unknown): SessionClosedReason | undefined {
  if (error instanceof SessionNotFoundError || error instanceof SessionsDisabledError) return 'not-found';
  if (error instanceof MaxSessionConnectionsReachedError) return 'max-connections';
  const isRefused =
    error instanceof InternalServerError || error instanceof RequestError || error instanceof BufferOverflowError;
  return isRefused ? 'restore-failed' : undefined;
}
