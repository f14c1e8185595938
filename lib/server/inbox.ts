import { MessageType, type CloseSessionMessage, type Payload, type RestoreSessionMessage } from '../protocol/index.js';
import type { TransportConnection } from './ports/transport-connection.js';
import type { Incoming } from './incoming.js';
import { stackOf } from '../common/logger.js';
import { ASK_NAME, isReserved, PING_NAME } from '../protocol/extensions.js';
import { RequestError } from '../protocol/errors.js';
import type { ConnectionLifetime } from './connection-lifetime.js';
import { extensionRequired, Extensions } from './extensions/extensions.js';
import { EMPTY_REPLY, type OutgoingStream } from './extensions/outgoing-stream.js';
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

/** While fewer messages wait at the limit of handlers, the connection is read, so that cancellations and grants arrive. */
const MAX_WAITING_MESSAGES = 64;

/** The same in bytes, as a multiple of `messageBufferSize`. */
const MAX_WAITING_BUFFERS = 16;

/**
 * Runs handlers for the messages of one client and sends their replies. At the limit of handlers, and while more than
 * `maxBufferedAmount` bytes wait to be written to the client, messages wait in order (docs/PROTOCOL.md, section 10). The
 * connection is not read while many wait, or while the bytes are written, so that the queue stays short. Messages of
 * extensions overtake those that wait.
 */
export class Inbox<Connection extends { readonly id: string }> {
  #running = 0;
  #sessionRequests = 0;
  #waiting: Work[] | undefined;
  /** Bytes of the payloads that wait. */
  #waitingBytes = 0;
  #isPaused = false;
  #isStartingWaiting = false;
  /** True while messages wait until the buffered data has been written to the client. */
  #isHeldUp = false;
  /** `undefined` until the client asks for extensions. */
  #extensions: Extensions | undefined;

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
    private readonly lifetime: ConnectionLifetime,
    private readonly concurrencyLimit: number,
    private readonly onIdle: () => void,
  ) {}

  /** True if no handler runs. */
  get isIdle(): boolean {
    return this.#running === 0;
  }

  /** True while the connection is not read, as messages wait for handlers to end or for data to be written. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  receive(message: Incoming): void {
    if (message instanceof Message) {
      if (isReserved(message.name)) this.#receiveReserved(message);
      else this.#admit(message);
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
    this.#forgetWaiting();
    this.#resume();
  }

  /** Drops the messages that wait, because the connection is gone. */
  abandon(): void {
    this.#forgetWaiting();
    this.#extensions?.busySignals?.stop();
  }

  #forgetWaiting(): void {
    this.#waiting = undefined;
    this.#waitingBytes = 0;
    this.#isHeldUp = false;
  }

  /**
   * Called when the buffered data has been written. Reading resumes only now, and not as soon as the data is below the
   * limit, so that it does not stop and resume all the time. Throughput stays the same, because the send buffer of the
   * operating system is still full.
   */
  drained(): void {
    this.outbox.drained();
    if (this.#isHeldUp) {
      this.#isHeldUp = false;
      this.#startWaiting();
    }
    this.#extensions?.drained();
  }

  /**
   * Opens a stream as the reply to a request whose handler is being called.
   * @throws RequestError if the client has not asked for streams, or has too many.
   */
  openStream(message: Message): OutgoingStream {
    if (!this.#extensions) throw extensionRequired();
    return this.#extensions.openStream(message);
  }

  /** Aborts the signals of all streams, because the server begins to shut down. */
  abortStreams(): void {
    this.#extensions?.abortStreams();
  }

  /** Ends all streams, because the connection is closing. The close frame tells the client why. */
  endStreams(): void {
    this.#extensions?.endStreams(() => undefined);
  }

  /** Ends all streams, because the time for the shutdown is over. */
  shutDownStreams(): void {
    this.#extensions?.endStreams((message) => this.outbox.answer(MessageType.ReplyShutdown, message.identifier!));
  }

  /** Signals overtake the messages that wait. A request does, too, unless its reply would have to wait. */
  #receiveReserved(message: Message): void {
    if (!message.isRequest) this.#extensions?.receiveSignal(message, this.#takeWaiting);
    else if (this.#isHeldUp || this.#holdUp()) this.#wait(message);
    else this.#answerReserved(message);
  }

  #answerReserved(message: Message): void {
    const { name } = message;
    if (name === ASK_NAME && this.context.options.extensions) this.#negotiate(message);
    else if (name === PING_NAME && this.#extensions?.has('ping')) this.outbox.reply(message, EMPTY_REPLY);
    else this.outbox.fail(message, new RequestError('NOT_FOUND', 'nobody handles this request'));
  }

  #negotiate(message: Message): void {
    const asked = Extensions.read(message.payload);
    if (!asked) return this.outbox.fail(message, new RequestError('BAD_REQUEST', 'the body is no list of extensions'));
    const { options, logger } = this.context;
    this.#extensions ??= new Extensions(asked, options, this.outbox, logger, this.lifetime);
    this.outbox.reply(message, this.#extensions.answer);
    if (this.#isPaused) this.#extensions.busySignals?.start();
  }

  /** Removes a request that waits. */
  readonly #takeWaiting = (key: Message['key']): Message | undefined => {
    const index = this.#waiting?.findIndex((work) => work instanceof Message && work.isRequest && work.key === key);
    if (index === undefined || index < 0) return undefined;
    const [message] = this.#waiting!.splice(index, 1) as [Message];
    this.#waitingBytes -= payloadSize(message);
    this.#startWaiting();
    return message;
  };

  #admit(message: Work): void {
    if (this.#waiting || !this.#hasRoomFor(message)) this.#wait(message);
    else this.#start(message);
  }

  #hasRoomFor(message: Work): boolean {
    if (this.#isHeldUp || this.#holdUp()) return false;
    if (this.context.activeHandlers.isDraining) return true;
    if (this.#running >= this.concurrencyLimit && !this.#isWithinLimit(message)) return false;
    return message instanceof Message || this.#sessionRequests < MAX_SESSION_REQUESTS;
  }

  /** Streams do not count for the limit of handlers, and have a limit of their own. */
  #isWithinLimit(message: Work): boolean {
    if (this.#running - (this.#extensions?.openStreams ?? 0) < this.concurrencyLimit) return true;
    if (!(message instanceof Message && message.isRequest)) return false;
    return isReserved(message.name) || (this.context.dispatcher.isStream?.(message.name) ?? false);
  }

  /** @returns True if messages have to wait until data has been written to the client. */
  #holdUp(): boolean {
    if (!this.outbox.isFull) return false;
    this.#isHeldUp = true;
    this.outbox.drain();
    return true;
  }

  #wait(message: Work): void {
    this.#waiting ??= [];
    this.#waiting.push(message);
    this.#waitingBytes += payloadSize(message);
    if (this.#isHeldUp || this.#hasManyWaiting(1)) this.#pause();
  }

  /** @param fraction Of the numbers above which the connection is not read. */
  #hasManyWaiting(fraction: number): boolean {
    const maxBytes = MAX_WAITING_BUFFERS * this.context.options.messageBufferSize;
    return this.#waiting!.length >= MAX_WAITING_MESSAGES * fraction || this.#waitingBytes >= maxBytes * fraction;
  }

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.transportConnection.pause();
    this.#extensions?.busySignals?.start();
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#extensions?.busySignals?.stop();
    this.transportConnection.resume();
  }

  /** A loop, as a recursion over handlers that end at once could exhaust the stack: `#finished` calls this too. */
  #startWaiting(): void {
    if (!this.#waiting || this.#isStartingWaiting) return;
    this.#isStartingWaiting = true;
    while (this.#waiting?.length && this.#hasRoomFor(this.#waiting[0]!)) {
      const message = this.#waiting.shift()!;
      this.#waitingBytes -= payloadSize(message);
      this.#start(message);
    }
    this.#isStartingWaiting = false;
    if (this.#waiting?.length === 0) this.dropWaiting();
    else if (this.#waiting && !this.#isHeldUp && !this.#hasManyWaiting(1 / 2)) this.#resume();
    else if (this.#isHeldUp) this.#pause();
  }

  #refuse(message: Work): void {
    if (!(message instanceof Message)) this.outbox.answer(MessageType.ReplyShutdown, message.id);
    else if (message.isRequest) this.outbox.answer(MessageType.ReplyShutdown, message.identifier!);
  }

  #start(message: Work): void {
    if (this.context.activeHandlers.isDraining) this.#refuse(message);
    else if (!(message instanceof Message)) this.#handleSessionRequest(message);
    else if (!message.isRequest) this.#handleSignal(message);
    else if (isReserved(message.name)) this.#answerReserved(message);
    else this.#handleRequest(message);
  }

  #handleRequest(message: Message): void {
    this.#started();
    let reply: Payload | Promise<Payload>;
    try {
      reply = this.context.dispatcher.request(this.connection, message);
    } catch (error) {
      message.settle();
      this.outbox.fail(message, error);
      this.#finished();
      return;
    }
    if (reply instanceof Promise) {
      this.#replyLater(message, reply);
    } else {
      message.settle();
      this.outbox.reply(message, reply);
      this.#finished();
    }
  }

  /** One `then()` for both steps, as a promise costs more than anything else that a message takes. */
  #replyLater(message: Message, reply: Promise<Payload>): void {
    this.#extensions?.started(message);
    void reply.then(
      (payload) => this.#succeeded(message, payload),
      (error: unknown) => this.#failed(message, error),
    );
  }

  #succeeded(message: Message, payload: Payload): void {
    if (this.#ended(message)) this.outbox.reply(message, payload);
    this.#finished();
  }

  #failed(message: Message, error: unknown): void {
    if (this.#ended(message)) this.#fail(message, error);
    this.#finished();
  }

  /** @returns False if the request has been answered already. */
  #ended(message: Message): boolean {
    this.#extensions?.ended(message);
    return message.settle();
  }

  #fail(message: Message, error: unknown): void {
    if (message.isAbortedBy(error)) this.outbox.answer(MessageType.ReplyShutdown, message.identifier!);
    else this.outbox.fail(message, error);
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
      const settled = () => {
        message.settle();
        this.#finished();
      };
      void handled.then(settled, (error: unknown) => {
        this.#signalFailed(message, error);
        settled();
      });
    } else {
      message.settle();
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

function payloadSize(message: Work): number {
  return message instanceof Message ? message.payload.bytes.length : 0;
}
