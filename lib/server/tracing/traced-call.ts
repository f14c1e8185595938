import type { TracingChannel } from 'node:diagnostics_channel';
import { RequestError } from '../../protocol/errors.js';
import type { Payload } from '../../protocol/index.js';
import type { Dispatcher } from '../ports/dispatcher.js';
import type { MessageOutcome, OutcomeListener } from './outcome.js';
import type { TracingContext } from './tracing-context.js';

/** The channel of one kind of messages. */
export type MessageChannel = TracingChannel<object>;

/** A connection that can say why it has ended. */
interface Endable {
  readonly isShutDown: boolean;
}

/** Publishes the events of one message in the order of `node:diagnostics_channel`. */
export class TracedCall<Connection extends Endable> implements OutcomeListener {
  #isSynchronous = true;

  constructor(
    private readonly channel: MessageChannel,
    private readonly context: TracingContext<unknown, Connection>,
  ) {}

  /** Does the same as `Dispatcher.request()`, and publishes it. */
  request(dispatcher: Dispatcher<Connection>): Payload | Promise<Payload> {
    return this.#run(() => dispatcher.request(this.context.connection, this.context.message));
  }

  /** Does the same as `Dispatcher.signal()`, and publishes it. */
  signal(dispatcher: Dispatcher<Connection>): void | Promise<void> {
    return this.#run(() => dispatcher.signal(this.context.connection, this.context.message));
  }

  /** Publishes all events of a message whose handler is not called. */
  skip(outcome: MessageOutcome, error?: unknown): void {
    this.channel.start.publish(this.context);
    this.settle(outcome, error);
    this.end();
  }

  /** The call of the handler has returned. If its result is a promise, the outcome follows. */
  end(): void {
    this.#isSynchronous = false;
    this.channel.end.publish(this.context);
  }

  settle(outcome: MessageOutcome, error?: unknown): void {
    const { channel, context } = this;
    if (context.outcome) return;
    const isUnhandled = outcome === 'handled' && context.handler === undefined;
    context.outcome = isUnhandled ? 'refused' : outcome;
    if (isUnhandled) {
      context.code = 'NOT_FOUND';
    } else if (outcome === 'refused' || outcome === 'failed') {
      if (error instanceof RequestError) context.code = error.code;
      context.error = error;
      channel.error.publish(context);
    }
    if (this.#isSynchronous) return;
    channel.asyncStart.publish(context);
    channel.asyncEnd.publish(context);
  }

  lost(): void {
    this.settle(this.context.connection.isShutDown ? 'shutdown' : 'connection-lost');
  }

  /** Publishes `start`, and calls the handler with the values that subscribers have bound to the channel. */
  #run<Result>(handler: () => Result): Result {
    return this.channel.start.runStores(this.context, () => this.context.callHandler(handler));
  }
}
