import { MessageType, type CloseSessionMessage, type Payload, type RestoreSessionMessage } from '../protocol/index.js';
import type { ConnectionSession } from '../session/connection-session.js';
import type { TransportConnection } from './ports/transport-connection.js';
import type { ConnectionHost } from './connection-host.js';
import type { WebwireConnection } from './connection.js';
import type { Incoming } from './incoming.js';
import { stackOf } from '../common/logger.js';
import { Message } from './message.js';
import type { Outbox } from './outbox.js';

type SessionRequest = RestoreSessionMessage | CloseSessionMessage;

/** A message that something has to be done for. */
type Work = Message | SessionRequest;

/** Session requests of one connection run one after the other; so many may be under way, whatever the limit. */
const MAX_SESSION_REQUESTS = 16;

/** What an inbox has of the connection that it belongs to. */
interface Surroundings {
  /** Handlers that may run at once. */
  readonly limit: number;
  readonly transportConnection: TransportConnection;
  /** @throws SessionError where sessions are off. */
  readonly sessionSlot: () => ConnectionSession;
  /** Called when the last handler has ended. */
  readonly idle: () => void;
}

/**
 * Admits, dispatches and answers what comes from one client. At the limit of handlers, and while more waits for the client
 * than `maxBufferedAmount`, messages wait in order and nothing more is read (PROTOCOL.md, section 10): what can wait is what
 * was read at once.
 */
export class Inbox {
  #running = 0;
  #sessionRequests = 0;
  #waiting: Work[] | undefined;
  #isStartingWaiting = false;
  /** Whether what waits has to wait until the backlog of replies has been written. */
  #isHeldUp = false;

  constructor(
    private readonly connection: WebwireConnection,
    private readonly host: ConnectionHost,
    private readonly outbox: Outbox,
    private readonly surroundings: Surroundings,
  ) {}

  /** Whether no handler runs. */
  get isIdle(): boolean {
    return this.#running === 0;
  }

  /** Whether messages wait for a handler to end or for the backlog to be written, and reading has stopped. */
  get isWaiting(): boolean {
    return this.#waiting !== undefined;
  }

  receive(message: Incoming): void {
    if (message instanceof Message) {
      this.#admit(message);
      return;
    }
    switch (message.type) {
      case MessageType.RequestRestoreSession:
      case MessageType.RequestCloseSession:
        this.#admit(message);
        return;
      case MessageType.Heartbeat:
        return;
      case MessageType.ReplyError:
      case MessageType.ReplyShutdown:
      case MessageType.ReplyInternalError:
      case MessageType.ReplySessionNotFound:
      case MessageType.ReplyMaxSessionConnectionsReached:
      case MessageType.ReplySessionsDisabled:
      case MessageType.SessionCreated:
      case MessageType.SessionClosed:
      case MessageType.AcceptConf:
      case MessageType.ReplyBinary:
      case MessageType.ReplyUtf8:
      case MessageType.ReplyUtf16:
        // Well-formed, but only a server sends it: no violation (PROTOCOL.md, section 9).
        this.host.logger.debug(
          `Connection ${this.connection.id} sent a message of type ${message.type}, which was dropped`,
        );
        return;
      default:
        message satisfies never;
    }
  }

  /** The server shuts down: what waits is answered, and the connection read again. */
  refuseWaiting(): void {
    const waiting = this.#waiting ?? [];
    this.dropWaiting();
    for (const message of waiting) this.#refuse(message);
  }

  /** The connection ends: what waits will never be handled. */
  dropWaiting(): void {
    if (!this.#waiting) return;
    this.abandon();
    this.surroundings.transportConnection.resume();
  }

  /** The connection is gone: there is nobody to answer, nor to read from. */
  abandon(): void {
    this.#waiting = undefined;
    this.#isHeldUp = false;
  }

  /**
   * The backlog has been written. Reading goes on only now, not as soon as less than the limit waits: the system itself
   * still has as much to send as it can keep, so the link stays busy, and reading is not switched on and off all the time.
   */
  drained(): void {
    if (!this.#isHeldUp) return;
    this.#isHeldUp = false;
    this.#startWaiting();
  }

  #admit(message: Work): void {
    if (this.#waiting || !this.#hasRoomFor(message)) this.#wait(message);
    else this.#start(message);
  }

  #hasRoomFor(message: Work): boolean {
    if (this.#isHeldUp) return false;
    if (this.outbox.isFull) {
      this.#isHeldUp = true;
      this.surroundings.transportConnection.drain?.();
      return false;
    }
    if (this.host.activeHandlers.isDraining) return true;
    if (this.#running >= this.surroundings.limit) return false;
    return message instanceof Message || this.#sessionRequests < MAX_SESSION_REQUESTS;
  }

  #wait(message: Work): void {
    if (this.#waiting) {
      this.#waiting.push(message);
      return;
    }
    this.#waiting = [message];
    this.surroundings.transportConnection.pause();
  }

  /** A handler that ends at once starts the next from here, not from within itself. */
  #startWaiting(): void {
    if (!this.#waiting || this.#isStartingWaiting) return;
    this.#isStartingWaiting = true;
    while (this.#waiting?.length && this.#hasRoomFor(this.#waiting[0]!)) this.#start(this.#waiting.shift()!);
    this.#isStartingWaiting = false;
    if (this.#waiting?.length === 0) this.dropWaiting();
  }

  #refuse(message: Work): void {
    if (!(message instanceof Message)) this.outbox.answer(MessageType.ReplyShutdown, message.id);
    else if (message.isRequest) this.outbox.answer(MessageType.ReplyShutdown, message.identifier!);
  }

  #start(message: Work): void {
    if (this.host.activeHandlers.isDraining) this.#refuse(message);
    else if (!(message instanceof Message)) this.#handleSessionRequest(message);
    else if (message.isRequest) this.#handleRequest(message);
    else this.#handleSignal(message);
  }

  #handleRequest(message: Message): void {
    this.#started();
    let reply: Payload | Promise<Payload>;
    try {
      reply = this.host.dispatcher.request(this.connection, message);
    } catch (error) {
      this.outbox.fail(message, error);
      this.#finished();
      return;
    }
    if (reply instanceof Promise) {
      reply
        .then(
          (resolved) => this.outbox.reply(message, resolved),
          (error) => this.outbox.fail(message, error),
        )
        .then(this.#finished, this.#finished);
    } else {
      this.outbox.reply(message, reply);
      this.#finished();
    }
  }

  #handleSignal(message: Message): void {
    this.#started();
    let handled: void | Promise<void> = undefined;
    try {
      handled = this.host.dispatcher.signal(this.connection, message);
    } catch (error) {
      this.#signalFailed(message, error);
    }
    if (handled instanceof Promise) {
      void handled.catch((error) => this.#signalFailed(message, error)).finally(this.#finished);
    } else {
      this.#finished();
    }
  }

  #signalFailed({ name }: Message, error: unknown): void {
    this.host.logger.error(`Signal ${JSON.stringify(name)} failed`, stackOf(error));
  }

  #handleSessionRequest(message: SessionRequest): void {
    const { id } = message;
    if (!this.host.sessions) return this.outbox.answer(MessageType.ReplySessionsDisabled, id);
    const connectionSession = this.surroundings.sessionSlot();
    this.#started();
    this.#sessionRequests++;
    this.host.guard(
      'Session request',
      () =>
        message.type === MessageType.RequestRestoreSession
          ? connectionSession.restore(id, message.sessionKey)
          : connectionSession.closeForClient(id),
      () => {
        this.#sessionRequests--;
        this.#finished();
      },
    );
  }

  #started(): void {
    this.#running++;
    this.host.activeHandlers.started();
  }

  readonly #finished = (): void => {
    this.#running--;
    this.#startWaiting();
    if (this.#running === 0) this.surroundings.idle();
    this.host.activeHandlers.finished();
  };
}
