import { stackOf } from '../common/logger.js';
import { MessageType, type Payload } from '../protocol/index.js';
import type { ExtensionRouter } from './extensions/extension-router.js';
import type { LazyConnectionSession } from './lazy-connection-session.js';
import { Message } from './message.js';
import type { Outbox } from './outbox.js';
import { runGuarded } from './run-guarded.js';
import type { ServerContext } from './server-context.js';
import type { MessageOutcome } from './tracing/outcome.js';
import type { TracedCall } from './tracing/traced-call.js';
import type { SessionRequest, Work } from './waiting-messages.js';

/** Runs the handlers for the messages of one client, and sends their replies. */
export class HandlerRunner<Connection extends { readonly isShutDown: boolean }> {
  #running = 0;
  #sessionRequests = 0;

  /**
   * @param connection Passed to the handlers.
   * @param onEnded Called when a handler has ended.
   */
  constructor(
    private readonly connection: Connection,
    private readonly context: ServerContext<Connection>,
    private readonly outbox: Outbox,
    private readonly session: LazyConnectionSession,
    private readonly extensions: ExtensionRouter,
    private readonly onEnded: () => void,
  ) {}

  /** The number of handlers that run, those of streams and session requests included. */
  get running(): number {
    return this.#running;
  }

  /** The number of session requests that run. */
  get sessionRequests(): number {
    return this.#sessionRequests;
  }

  /** Starts the handler of a message, or refuses it while the server drains. */
  start(message: Work): void {
    if (this.context.activeHandlers.isDraining) this.refuse(message);
    else if (!(message instanceof Message)) this.#handleSessionRequest(message);
    else if (message.isRequest) this.#handleRequest(message);
    else this.#handleSignal(message);
  }

  /** Refuses a message, because the server shuts down. */
  refuse(message: Work): void {
    if (!(message instanceof Message)) return this.outbox.answer(MessageType.ReplyShutdown, message.id);
    this.skip(message, 'shutdown');
    if (message.isRequest) this.outbox.shutDown(message);
  }

  /** Publishes the outcome of a message whose handler is not called. */
  skip(message: Message, outcome: MessageOutcome, error?: unknown): void {
    this.#trace(message)?.skip(outcome, error);
    message.settle();
  }

  #handleRequest(message: Message): void {
    this.#started();
    const traced = this.#trace(message);
    const isPending = this.#callHandler(message, traced);
    traced?.end();
    if (!isPending) this.#finished();
  }

  /** @returns True if the reply is a promise. */
  #callHandler(message: Message, traced: TracedCall<Connection> | undefined): boolean {
    const { dispatcher } = this.context;
    let reply: Payload | Promise<Payload>;
    try {
      reply = traced ? traced.request(dispatcher) : dispatcher.request(this.connection, message);
    } catch (error) {
      message.settle();
      this.outbox.fail(message, error);
      return false;
    }
    if (reply instanceof Promise) {
      this.#replyLater(message, reply);
      return true;
    }
    message.settle();
    this.outbox.reply(message, reply);
    return false;
  }

  #trace(message: Message): TracedCall<Connection> | undefined {
    return this.context.tracer.trace(this.connection, message);
  }

  /** One `then()` for both steps, as a promise costs more than anything else that a message takes. */
  #replyLater(message: Message, reply: Promise<Payload>): void {
    this.extensions.started(message);
    void reply.then(
      (payload) => this.#succeeded(message, payload),
      (error: unknown) => this.#failed(message, error),
    );
  }

  #succeeded(message: Message, payload: Payload): void {
    if (this.#ended(message)) this.outbox.reply(message, payload);
    this.#release(message);
  }

  #failed(message: Message, error: unknown): void {
    if (this.#ended(message)) this.#fail(message, error);
    this.#release(message);
  }

  /** The source of a stream may still run after the reply, and use what the application closes afterwards. */
  #release({ demand }: Message): void {
    if (demand) demand.whenStopped(this.#finished);
    else this.#finished();
  }

  /** @returns False if the request has been answered already. */
  #ended(message: Message): boolean {
    this.extensions.ended(message);
    return message.settle();
  }

  #fail(message: Message, error: unknown): void {
    if (message.isAbortedBy(error)) this.outbox.shutDown(message);
    else this.outbox.fail(message, error);
  }

  #handleSignal(message: Message): void {
    this.#started();
    const traced = this.#trace(message);
    const { dispatcher } = this.context;
    let handled: void | Promise<void> = undefined;
    try {
      handled = traced ? traced.signal(dispatcher) : dispatcher.signal(this.connection, message);
    } catch (error) {
      this.#signalFailed(message, error);
    }
    if (handled instanceof Promise) {
      const settled = () => {
        this.#signalEnded(message);
        this.#finished();
      };
      void handled.then(settled, (error: unknown) => {
        this.#signalFailed(message, error);
        settled();
      });
      traced?.end();
    } else {
      this.#signalEnded(message);
      traced?.end();
      this.#finished();
    }
  }

  #signalEnded(message: Message): void {
    message.outcomeListener?.settle('handled');
    message.settle();
  }

  #signalFailed(message: Message, error: unknown): void {
    message.outcomeListener?.settle('failed', error);
    const { logger } = this.context;
    message.log(() => logger.error(`Signal ${JSON.stringify(message.name)} failed`, stackOf(error)));
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
    this.onEnded();
    this.context.activeHandlers.finished();
  };
}
