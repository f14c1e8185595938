import type { HandlerInfo } from '../ports/dispatcher.js';
import type { Message } from '../message.js';
import type { MessageOutcome } from './outcome.js';

/** Calls its argument, once and before it returns. @inline */
type Wrapper = (call: () => void) => void;

/**
 * One message on the tracing channels `nestjs-webwire:request`, `nestjs-webwire:signal` and `nestjs-webwire:stream` of
 * `node:diagnostics_channel`. Each event of the message has the same object. The message is over at the first of the events `end`
 * and `asyncEnd` at which `outcome` is set.
 */
export class TracingContext<Server, Connection> {
  /** The gateway that takes the message, by its option `name`, else its class; `undefined` if no handler takes the message. */
  readonly gateway: string | undefined;
  /** The name of the method that takes the message; `undefined` if there is none. */
  readonly handler: string | undefined;
  /**
   * The name in the decorator of the method; `undefined` for fallbacks, and if no handler takes the message. In contrast to
   * `message.name`, clients cannot choose it.
   */
  readonly route: string | undefined;
  /** The result of the message; `undefined` until it is over. */
  outcome: MessageOutcome | undefined = undefined;
  /** The error code that the client gets, if `outcome` is `refused`. */
  code: string | undefined = undefined;
  /** The error, if `outcome` is `refused` or `failed`. The event `error` is published before the message is over. */
  error: unknown = undefined;
  #wrapper: Wrapper | undefined = undefined;

  /** @internal */
  constructor(
    readonly server: Server,
    readonly connection: Connection,
    readonly message: Message,
    info: HandlerInfo | undefined,
  ) {
    this.gateway = info?.gateway;
    this.handler = info?.handler;
    this.route = info?.route;
  }

  /**
   * Makes a function call the handler, its guards and its interceptors. It is for libraries that keep their context in another way than in
   * an `AsyncLocalStorage`, for which `bindStore()` of the channel does the same. A subscriber of the event `start` may call it.
   *
   * @param wrapper Has to call its argument once, before it returns. If it throws, or does not call it, the handler is called
   *   nevertheless, and the process gets the error as the event `uncaughtException`.
   * @example context.wrapHandler((call) => contextManager.with(spanContext, call));
   */
  wrapHandler(wrapper: Wrapper): void {
    const outer = this.#wrapper;
    this.#wrapper = outer ? (call) => outer(() => wrapper(call)) : wrapper;
  }

  /** Calls the handler. @internal */
  callHandler<Result>(handler: () => Result): Result {
    if (!this.#wrapper) return handler();
    let result: (() => Result) | undefined;
    const call = () => {
      result ??= settled(handler);
    };
    try {
      this.#wrapper(call);
    } catch (error) {
      // As Node.js does with the error of a subscriber.
      process.nextTick(() => {
        throw error;
      });
    }
    call();
    return result!();
  }
}

/** Calls a function, and returns another one that returns or throws the same. */
function settled<Result>(run: () => Result): () => Result {
  try {
    const result = run();
    return () => result;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
