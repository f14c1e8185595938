import { Buffer } from 'node:buffer';
import type { Payload } from '../../protocol/index.js';
import { encodeBody, type PayloadCodec } from '../../protocol/payload-codec.js';
import type { ServerLogger } from '../../common/logger.js';
import { AsyncScope } from '../../server/async-scope.js';
import type { WebwireConnection } from '../../server/connection.js';
import { RequestError } from '../../protocol/errors.js';
import type { Message } from '../../server/message.js';
import { isIntended, toFailure } from './failure.js';
import type { Invoker } from './invoker.js';
import { isPromiseLike } from './resolve-result.js';

/** A code that a ReplyError can have (PROTOCOL.md, section 2). */
const ERROR_CODE = /^[ -~]{1,255}$/;

/** Characters of an error's text in a log line. */
const MAX_REASON_LENGTH = 200;

/** The way of a message to a handler, and of its result back. */
export class Route {
  constructor(
    /** `Class.method`, for people. */
    readonly handler: string,
    /** Name of the module that provides the gateway. */
    readonly module: string,
    private readonly codec: PayloadCodec,
    private readonly invoke: Invoker,
    private readonly logger: ServerLogger,
  ) {}

  /**
   * Calls the handler. Values that it or its enhancers put into an `AsyncLocalStorage` (`enterWith`) are gone afterwards.
   *
   * @returns Its result or the promise of it.
   * @throws RequestError for a failure that is meant for the client, anything else for any other; also later.
   */
  run(connection: WebwireConnection, message: Message): unknown {
    return new AsyncScope().runInAsyncScope(run, undefined, this, connection, message);
  }

  /** Makes the payload of the handler's result. An error that is returned, also by a filter, counts like a thrown one. */
  readonly reply = (value: unknown): Payload => {
    if (value instanceof Error) throw this.#failureOf(value);
    try {
      return encodeBody(value, this.codec);
    } catch (error) {
      if (isIntended(error)) throw this.#failureOf(error);
      throw new TypeError(`${this.handler} returned a value that cannot be sent: ${reasonOf(error)}`, { cause: error });
    }
  };

  /** Throws the failure of a handler as the client may learn of it. */
  readonly fail = (error: unknown): never => {
    throw this.#failureOf(error);
  };

  /** Calls the handler where `run` says. @internal */
  call(connection: WebwireConnection, message: Message): unknown {
    const body = this.#decode(connection, message);
    try {
      return this.invoke(connection, body, message);
    } catch (error) {
      throw this.#failureOf(error);
    }
  }

  #decode(connection: WebwireConnection, { payload, name }: Message): unknown {
    let body: unknown;
    try {
      body = this.codec.decode(payload);
    } catch (error) {
      if (error instanceof RequestError) throw error;
      this.logger.debug(
        `Connection ${connection.id} sent ${JSON.stringify(name)} with a body that the codec of ${this.handler} ` +
          `cannot decode: ${JSON.stringify(reasonOf(error))}`,
      );
      // The reason may quote the payload, or say something about the server: it does not reach the client.
      throw new RequestError('BAD_REQUEST', 'the body could not be decoded');
    }
    if (body === payload.bytes) return asBuffer(payload.bytes);
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

function run(route: Route, connection: WebwireConnection, message: Message): unknown {
  return route.call(connection, message);
}

/** The text of an error, cut to a length that fits a log line. */
function reasonOf(error: unknown): string {
  try {
    return (error instanceof Error ? error.message : String(error)).slice(0, MAX_REASON_LENGTH);
  } catch {
    return 'an error that cannot be described';
  }
}

/** A view. `Buffer.from()` would do, after a long look at its argument. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.prototype.subarray.call(bytes, 0, bytes.length);
}
