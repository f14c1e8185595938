import { MessageType } from '../protocol/index.js';
import type { TransportConnection } from './ports/transport-connection.js';
import type { Incoming } from './incoming.js';
import { isReserved } from '../protocol/extensions.js';
import type { ExtensionRouter } from './extensions/extension-router.js';
import type { HandlerRunner } from './handler-runner.js';
import { Message, type RequestKey } from './message.js';
import type { Outbox } from './outbox.js';
import type { RateLimiter } from './rate-limiter.js';
import type { ServerContext } from './server-context.js';
import { lengthOf, WaitingMessages, type Work } from './waiting-messages.js';

/** Most session requests under way for one connection. They run one after the other, whatever `concurrencyLimit` is. */
const MAX_SESSION_REQUESTS = 16;

/**
 * Receives the messages of one client, and starts their handlers. At the limit of handlers, and while more than
 * `maxBufferedAmount` bytes wait to be written to the client, messages wait in order (docs/PROTOCOL.md, section 10). The
 * connection is not read while many wait, or while the bytes are written, so that the queue stays short. A client with
 * extensions is read as long as it keeps to its window, because it may have to cancel what runs. Messages of extensions overtake
 * those that wait.
 */
export class Inbox<Connection extends { readonly isShutDown: boolean }> {
  #waiting: WaitingMessages | undefined;
  #isPaused = false;
  #isStartingWaiting = false;
  /** True while messages wait until the buffered data has been written to the client. */
  #isHeldUp = false;

  /**
   * @param id Identifies the connection in the log.
   * @param concurrencyLimit Most handlers that may run at once.
   * @param limiter Limits the messages over time; `undefined` for no limit.
   */
  constructor(
    private readonly id: string,
    private readonly context: ServerContext<Connection>,
    private readonly transportConnection: TransportConnection,
    private readonly outbox: Outbox,
    private readonly extensions: ExtensionRouter,
    private readonly runner: HandlerRunner<Connection>,
    private readonly concurrencyLimit: number,
    private readonly limiter: RateLimiter | undefined,
  ) {}

  /** True if no handler runs. */
  get isIdle(): boolean {
    return this.runner.running === 0;
  }

  /** True while the connection is not read, as messages wait for handlers to end or for data to be written. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  receive(message: Incoming): void {
    if (message instanceof Message) {
      if (isReserved(message.name)) return this.#receiveReserved(message);
      this.extensions.active?.traces?.attach(message);
      return this.#count(message);
    }
    switch (message.type) {
      case MessageType.RequestRestoreSession:
      case MessageType.RequestCloseSession:
        this.#count(message);
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
        this.context.logger.debug(`Connection ${this.id} sent a message of type ${message.type}, which was dropped`);
        this.limiter?.tolerates();
        return;
      default:
        message satisfies never;
    }
  }

  /** Refuses the messages that wait, because the server shuts down, and resumes reading. */
  refuseWaiting(): void {
    const waiting = this.#waiting?.all ?? [];
    this.#dropWaiting();
    for (const message of waiting) {
      this.#left(message);
      this.runner.refuse(message);
    }
  }

  /** Drops the messages that wait, ends the streams and resumes reading, because the connection is closing. */
  end(): void {
    this.#dropWaiting();
    this.extensions.endStreams();
  }

  /** Drops the messages that wait, because the connection is gone. */
  abandon(): void {
    this.#forgetWaiting();
    this.extensions.idle();
  }

  #dropWaiting(): void {
    this.#forgetWaiting();
    this.extensions.idle();
    this.#resume();
  }

  #forgetWaiting(): void {
    this.#waiting = undefined;
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
      this.startWaiting();
    }
    this.extensions.active?.drained();
  }

  /** Signals overtake the messages that wait. A request does, too, unless its reply would have to wait. */
  #receiveReserved(message: Message): void {
    if (!message.isRequest) {
      if (!this.extensions.active?.receiveSignal(message, (key) => this.#takeWaiting(key))) this.limiter?.tolerates();
      return;
    }
    if (this.limiter && !this.limiter.tolerates()) return;
    // If the first question waited, the cancellations behind it would be ignored.
    if (!this.extensions.isFirstQuestion(message) && (this.#isHeldUp || this.#holdUp())) this.#wait(message);
    else {
      this.extensions.answer(message, this.#waiting?.size);
      // A client that has asked for extensions is read on.
      if (this.#waiting) this.#regulate(this.#waiting);
    }
  }

  /** Removes a request that waits. */
  #takeWaiting(key: RequestKey): Message | undefined {
    const message = this.#waiting?.takeRequest(key);
    if (message) {
      this.#left(message);
      this.runner.skip(message, 'canceled');
      this.startWaiting();
    }
    return message;
  }

  /** Admits a message, unless the client sends too many. */
  #count(message: Work): void {
    const { limiter } = this;
    if (!limiter || this.context.activeHandlers.isDraining || limiter.admits()) this.#admit(message);
    else this.#refuseLimited(message, limiter);
  }

  #refuseLimited(message: Work, limiter: RateLimiter): void {
    this.#left(message);
    const id = message instanceof Message ? message.identifier : message.id;
    if (message instanceof Message) this.runner.skip(message, 'refused', limiter.refusal);
    if (id) this.outbox.refuse(id, limiter.refusal);
    // The client does not read the refusals.
    if (this.#holdUp()) this.#regulate((this.#waiting ??= new WaitingMessages(this.context.options.messageBufferSize)));
    limiter.refused(message);
  }

  #admit(message: Work): void {
    if (this.#waiting || !this.#hasRoomFor(message)) this.#wait(message);
    else this.#start(message);
  }

  #hasRoomFor(message: Work): boolean {
    if (this.#isHeldUp || this.#holdUp()) return false;
    if (this.context.activeHandlers.isDraining) return true;
    if (this.runner.running >= this.concurrencyLimit && !this.#isWithinLimit(message)) return false;
    return message instanceof Message || this.runner.sessionRequests < MAX_SESSION_REQUESTS;
  }

  /** Streams do not count for the limit of handlers, and have a limit of their own. */
  #isWithinLimit(message: Work): boolean {
    if (this.runner.running - (this.extensions.active?.openStreams ?? 0) < this.concurrencyLimit) return true;
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
    this.#waiting ??= new WaitingMessages(this.context.options.messageBufferSize);
    this.#waiting.add(message);
    this.#regulate(this.#waiting);
  }

  /** Stops or resumes reading, and lets the client know whether many messages wait. */
  #regulate(waiting: WaitingMessages): void {
    const areMany = this.#isHeldUp || waiting.areMany;
    const limit = this.extensions.active?.waitingLimit;
    if (this.#isHeldUp || (limit === undefined ? areMany : waiting.size > limit)) this.#pause();
    else this.#resume();
    if (areMany) this.extensions.busy();
    else this.extensions.idle();
  }

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.transportConnection.pause();
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.transportConnection.resume();
  }

  /**
   * Starts the handlers of messages that wait, as far as there is room. A handler that ends at once leads here again: a
   * recursion could exhaust the stack, so this is a loop.
   */
  startWaiting(): void {
    if (!this.#waiting || this.#isStartingWaiting) return;
    this.#isStartingWaiting = true;
    while (this.#waiting?.first && this.#hasRoomFor(this.#waiting.first)) this.#startFirst(this.#waiting);
    this.#isStartingWaiting = false;
    if (!this.#waiting) return;
    // While the connection is held up, it is not read, even if the client has canceled all that waited.
    if (this.#waiting.first || this.#isHeldUp) this.#regulate(this.#waiting);
    else this.#dropWaiting();
  }

  #startFirst(waiting: WaitingMessages): void {
    const message = waiting.shift();
    if (!(message instanceof Message && isReserved(message.name))) this.#start(message);
    else if (this.context.activeHandlers.isDraining) this.runner.refuse(message);
    else this.extensions.answer(message);
  }

  #start(message: Work): void {
    this.#left(message);
    this.runner.start(message);
  }

  /** The message does not wait any more, or did not have to. */
  #left(message: Work): void {
    const window = this.extensions.active?.window;
    if (window && !(message instanceof Message && isReserved(message.name))) window.leave(lengthOf(message));
  }
}
