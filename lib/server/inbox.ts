import { MessageType, type CloseSessionMessage, type Payload, type RestoreSessionMessage } from '../protocol/index.js';
import type { TransportConnection } from './ports/transport-connection.js';
import type { Incoming } from './incoming.js';
import { stackOf } from '../common/logger.js';
import type { LazyConnectionSession } from './lazy-connection-session.js';
import { Message } from './message.js';
import type { Outbox } from './outbox.js';
import { runGuarded } from './run-guarded.js';
import type { ServerContext } from './server-context.js';

type SessionRequest = RestoreSessionMessage | CloseSessionMessage;

/** A message that starts a handler or a session operation. */
type Work = Message | SessionRequest;

/** Most session requests under way for one connection. They run one after the other, whatever `concurrencyLimit` is. */
const MAX_SESSION_REQUESTS = 16;

/**
 * Runs handlers for the messages of one client and sends their replies. At the limit of handlers, and while more than
 * `maxBufferedAmount` bytes wait to be written to the client, messages wait in order and the connection is not read
 * (docs/PROTOCOL.md, section 10). Only messages that came with one read can wait, so that the queue stays short.
 */
export class Inbox<Connection extends { readonly id: string }> {
  #running = 0;
  #sessionRequests = 0;
  #waiting: Work[] | undefined;
  #isStartingWaiting = false;
  /** True while messages wait until the buffered data has been written to the client. */
  #isHeldUp = false;

  /**
   * @param connection Passed to the handlers.
   * @param concurrencyLimit Most handlers that may run at once.
   * @param onIdle Called when the last running handler has ended.
   */
  constructor(
    private readonly connection: Connection,
    private readonly context: ServerContext<Connection>,
    private readonly transportConnection: TransportConnection,
    private readonly outbox: Outbox,
    private readonly session: LazyConnectionSession,
    private readonly concurrencyLimit: number,
    private readonly onIdle: () => void,
  ) {}

  /** True if no handler runs. */
  get isIdle(): boolean {
    return this.#running === 0;
  }

  /** True while messages wait, either for a handler to end or for data to be written; the connection is not read then. */
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
        // Only servers send these. A client that does so does not break the protocol (docs/PROTOCOL.md, section 9).
        this.context.logger.debug(
          `Connection ${this.connection.id} sent a message of type ${message.type}, which was dropped`,
        );
        return;
      default:
        message satisfies never;
    }
  }

  /** Refuses the messages that wait, because the server shuts down, and resumes reading. */
  refuseWaiting(): void {
    const waiting = this.#waiting ?? [];
    this.dropWaiting();
    for (const message of waiting) this.#refuse(message);
  }

  /** Drops the messages that wait, because the connection is closing, and resumes reading. */
  dropWaiting(): void {
    if (!this.#waiting) return;
    this.abandon();
    this.transportConnection.resume();
  }

  /** Drops the messages that wait, because the connection is gone. */
  abandon(): void {
    this.#waiting = undefined;
    this.#isHeldUp = false;
  }

  /**
   * Called when the buffered data has been written. Reading resumes only now, and not as soon as the data is below the
   * limit, so that it does not stop and resume all the time. Throughput stays the same, because the send buffer of the
   * operating system is still full.
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
      this.transportConnection.drain?.();
      return false;
    }
    if (this.context.activeHandlers.isDraining) return true;
    if (this.#running >= this.concurrencyLimit) return false;
    return message instanceof Message || this.#sessionRequests < MAX_SESSION_REQUESTS;
  }

  #wait(message: Work): void {
    if (this.#waiting) {
      this.#waiting.push(message);
      return;
    }
    this.#waiting = [message];
    this.transportConnection.pause();
  }

  /** A loop, as a recursion over handlers that end at once could exhaust the stack: `#finished` calls this too. */
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
    if (this.context.activeHandlers.isDraining) this.#refuse(message);
    else if (!(message instanceof Message)) this.#handleSessionRequest(message);
    else if (message.isRequest) this.#handleRequest(message);
    else this.#handleSignal(message);
  }

  #handleRequest(message: Message): void {
    this.#started();
    let reply: Payload | Promise<Payload>;
    try {
      reply = this.context.dispatcher.request(this.connection, message);
    } catch (error) {
      this.outbox.fail(message, error);
      this.#finished();
      return;
    }
    if (reply instanceof Promise) {
      this.#replyLater(message, reply);
    } else {
      this.outbox.reply(message, reply);
      this.#finished();
    }
  }

  /** One `then()` for both steps, as a promise costs more than anything else that a message takes. */
  #replyLater(message: Message, reply: Promise<Payload>): void {
    void reply.then(
      (payload) => this.#succeeded(message, payload),
      (error: unknown) => this.#failed(message, error),
    );
  }

  #succeeded(message: Message, payload: Payload): void {
    this.outbox.reply(message, payload);
    this.#finished();
  }

  #failed(message: Message, error: unknown): void {
    this.outbox.fail(message, error);
    this.#finished();
  }

  #handleSignal(message: Message): void {
    this.#started();
    let handled: void | Promise<void> = undefined;
    try {
      handled = this.context.dispatcher.signal(this.connection, message);
    } catch (error) {
      this.#signalFailed(message, error);
    }
    if (handled instanceof Promise) {
      void handled.then(this.#finished, (error: unknown) => {
        this.#signalFailed(message, error);
        this.#finished();
      });
    } else {
      this.#finished();
    }
  }

  #signalFailed({ name }: Message, error: unknown): void {
    this.context.logger.error(`Signal ${JSON.stringify(name)} failed`, stackOf(error));
  }

  #handleSessionRequest(message: SessionRequest): void {
    const { id } = message;
    if (!this.context.sessions) return this.outbox.answer(MessageType.ReplySessionsDisabled, id);
    const session = this.session.get();
    this.#started();
    this.#sessionRequests++;
    void runGuarded(
      this.context.logger,
      'Session request',
      () =>
        message.type === MessageType.RequestRestoreSession
          ? session.restore(id, message.sessionKey)
          : session.closeForClient(id),
      () => {
        this.#sessionRequests--;
        this.#finished();
      },
    );
  }

  #started(): void {
    this.#running++;
    this.context.activeHandlers.started();
  }

  readonly #finished = (): void => {
    this.#running--;
    this.#startWaiting();
    if (this.#running === 0) this.onIdle();
    this.context.activeHandlers.finished();
  };
}
