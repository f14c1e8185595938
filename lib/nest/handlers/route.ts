import { Buffer } from 'node:buffer';
import type { Observable } from 'rxjs';
import type { Payload } from '../../protocol/index.js';
import { jsonCodec, plainCodec, type PayloadCodec } from '../../protocol/payload-codec.js';
import { toPayload } from '../../server/to-payload.js';
import type { ServerLogger } from '../../common/logger.js';
import { AsyncScope } from '../../server/async-scope.js';
import type { WebwireConnection } from '../../server/connection.js';
import { RequestError } from '../../protocol/errors.js';
import type { Message } from '../../server/message.js';
import { isIntended, isRequestError, toFailure } from './failure.js';
import type { EntrySchemas } from './entry-schemas.js';
import type { HandlerInfo } from '../../server/ports/dispatcher.js';
import type { Invoker } from './invoker.js';
import { isAsyncIterable } from './stream-items.js';
import { isPromiseLike } from '../../protocol/promise.js';

/** A code that a ReplyError can have (docs/PROTOCOL.md, section 2). */
const ERROR_CODE = /^[ -~]{1,255}$/;

/** Longest text of an error in a log line, in characters. */
const MAX_LOGGED_REASON_LENGTH = 200;

/** Decodes messages for one handler, calls it, and encodes its results. */
export class Route {
  constructor(
    /** `Class.method`, for errors and logs. */
    readonly handler: string,
    readonly info: HandlerInfo,
    /** Name of the module that provides the gateway. */
    readonly module: string,
    private readonly codec: PayloadCodec,
    private readonly invoke: Invoker,
    private readonly logger: ServerLogger,
    /** Validates the results of the handler of an entry of a contract. */
    private readonly schemas?: EntrySchemas,
  ) {}

  /**
   * Calls the handler for a request. Code that runs afterwards does not see values that it or its enhancers put into an
   * `AsyncLocalStorage` with `enterWith()`.
   *
   * @returns The encoded reply or the promise of it.
   * @throws RequestError if the error is meant for the client, else the error itself; or rejects with it.
   */
  request(connection: WebwireConnection, message: Message): Payload | Promise<Payload> {
    return message.runIn(new AsyncScope()).runInAsyncScope(this.#answer, undefined, connection, message);
  }

  /** Calls the handler for a signal, as `request()` does, and ignores its result. */
  signal(connection: WebwireConnection, message: Message): void | Promise<void> {
    return message.runIn(new AsyncScope()).runInAsyncScope(this.#handle, undefined, connection, message);
  }

  /** `request()` without its asynchronous context. */
  readonly #answer = (connection: WebwireConnection, message: Message): Payload | Promise<Payload> =>
    this.invoke(connection, this.#decode(connection, message), message, this.reply, this.#fail) as Promise<Payload>;

  /** `signal()` without its asynchronous context. */
  readonly #handle = (connection: WebwireConnection, message: Message): void | Promise<void> =>
    this.invoke(connection, this.#decode(connection, message), message, ignore, this.#fail);

  /** Calls the handler of a stream. @returns The Observable of its items. */
  protected items(connection: WebwireConnection, message: Message): Observable<unknown> {
    const items = this.invoke(connection, this.#decode(connection, message), message, same, this.#fail);
    return items as Observable<unknown>;
  }

  /** The error of a handler: a RequestError if the client may see it. */
  protected failureOf(error: unknown): unknown {
    return this.#failureOf(error);
  }

  /**
   * Encodes the result of the handler, or an item of its stream. An Error that a handler or filter returns is treated as if it
   * were thrown.
   */
  protected readonly reply = (value: unknown): Payload | Promise<Payload> => {
    if (value instanceof Error) throw this.#failureOf(value);
    if (!this.schemas) return this.#encode(value);
    const valid = this.schemas.result(value);
    return isPromiseLike(valid) ? Promise.resolve(valid).then(this.#encode) : this.#encode(valid);
  };

  readonly #encode = (value: unknown): Payload => {
    try {
      return toPayload(value, this.codec);
    } catch (error) {
      if (isIntended(error)) throw this.#failureOf(error);
      const hint = isAsyncIterable(value) ? ' (@WebwireStream() sends each item of an AsyncIterable)' : '';
      throw new TypeError(`${this.handler} returned a value that cannot be sent: ${reasonOfDecoding(error)}${hint}`, {
        cause: error,
      });
    }
  };

  /** Throws the error of a handler: a RequestError if the client may see it. */
  readonly #fail = (error: unknown): never => {
    throw this.#failureOf(error);
  };

  #decode(connection: WebwireConnection, message: Message): unknown {
    let body: unknown;
    try {
      // The same bodies, but faster.
      if (this.codec.decode === plainCodec.decode) return message.plainBody;
      if (this.codec.decode === jsonCodec.decode) return message.jsonBody;
      body = this.codec.decode(message.payload);
    } catch (error) {
      if (isRequestError(error)) throw toFailure(error);
      this.logger.debug(
        `Connection ${connection.id} sent ${JSON.stringify(message.name)} with a body that the codec of ${this.handler} ` +
          `cannot decode: ${JSON.stringify(reasonOfDecoding(error))}`,
      );
      // The reason may quote the payload or reveal details of the server, so the client does not get it.
      throw new RequestError('BAD_REQUEST', 'the body could not be decoded');
    }
    const { bytes } = message.payload;
    if (body === bytes) return asBuffer(bytes);
    if (!isPromiseLike(body)) return body;
    void Promise.resolve(body).catch(() => undefined);
    throw new TypeError(`decode() of the codec of ${this.handler} returned a promise: codecs have to be synchronous`);
  }

  #failureOf(error: unknown): unknown {
    const failure = toFailure(error);
    if (!(failure instanceof RequestError) || ERROR_CODE.test(failure.code)) return failure;
    const code = JSON.stringify(failure.code);
    return new TypeError(
      `${this.handler} failed with the error code ${code}, which cannot be sent: ` +
        'a code has 1 to 255 printable ASCII characters',
      { cause: error },
    );
  }
}

function ignore(): void {}

function same(value: unknown): unknown {
  return value;
}

/** The text of an error, cut to a length that fits a log line. */
function reasonOfDecoding(error: unknown): string {
  try {
    return (error instanceof Error ? error.message : String(error)).slice(0, MAX_LOGGED_REASON_LENGTH);
  } catch {
    return 'an error that cannot be described';
  }
}

/** A view of the same memory. Faster than `Buffer.from()`, which checks the type of its argument. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.prototype.subarray.call(bytes, 0, bytes.length);
}
