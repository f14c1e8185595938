import { tracingChannel } from 'node:diagnostics_channel';
import { isReserved } from '../../protocol/extensions.js';
import type { Message } from '../message.js';
import type { Dispatcher } from '../ports/dispatcher.js';
import { TracedCall, type MessageChannel } from './traced-call.js';
import { TracingContext } from './tracing-context.js';

// Kept for the life of the process: see `channelOf()` of the diagnostics emitter.
const REQUEST_CHANNEL: MessageChannel = tracingChannel('nestjs-webwire:request');
const SIGNAL_CHANNEL: MessageChannel = tracingChannel('nestjs-webwire:signal');
const STREAM_CHANNEL: MessageChannel = tracingChannel('nestjs-webwire:stream');

/** Publishes the messages of one server on the tracing channels. */
export class MessageTracer<Server, Connection extends { readonly isShutDown: boolean }> {
  constructor(
    private readonly server: Server,
    private readonly dispatcher: Dispatcher<Connection>,
  ) {}

  /** @returns `undefined` if the channel of the message has no subscribers, and for messages of extensions. */
  trace(connection: Connection, message: Message): TracedCall<Connection> | undefined {
    if (
      message.isRequest
        ? !hasSubscribers(REQUEST_CHANNEL) && !hasSubscribers(STREAM_CHANNEL)
        : !hasSubscribers(SIGNAL_CHANNEL)
    ) {
      return undefined;
    }
    return this.#trace(connection, message);
  }

  #trace(connection: Connection, message: Message): TracedCall<Connection> | undefined {
    if (isReserved(message.name)) return undefined;
    const info = this.dispatcher.handlerOf?.(message);
    const channel = info?.isStream ? STREAM_CHANNEL : message.isRequest ? REQUEST_CHANNEL : SIGNAL_CHANNEL;
    if (!hasSubscribers(channel)) return undefined;
    const traced = new TracedCall(channel, new TracingContext(this.server, connection, message, info));
    message.outcomeListener = traced;
    return traced;
  }
}

/** Like the property of that name, which Bun does not have. */
function hasSubscribers({ start, end, asyncStart, asyncEnd, error }: MessageChannel): boolean {
  return (
    start.hasSubscribers ||
    end.hasSubscribers ||
    asyncStart.hasSubscribers ||
    asyncEnd.hasSubscribers ||
    error.hasSubscribers
  );
}
