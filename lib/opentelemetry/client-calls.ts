import {
  context as contexts,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
} from '@opentelemetry/api';
import { InternalServerError, RequestError, ServerShutdownError, WebwireClient } from '../client/index.js';
import { callWithin } from './client-trace.js';
import {
  callAttributes,
  CANCELED,
  ERROR_TYPE,
  OTHER,
  RPC_METHOD,
  RPC_RESPONSE_STATUS_CODE,
  SERVER_ADDRESS,
  SERVER_PORT,
  spanName,
  type MessageKind,
} from './conventions.js';
import type { Telemetry } from './telemetry.js';
import { MAX_ERROR_CODES, Vocabulary } from './vocabulary.js';

type Name = 'request' | 'signal' | 'stream';
type Call = (this: WebwireClient, name: string, ...rest: unknown[]) => unknown;
/** The methods of all clients. */
type Methods = Record<Name, Call>;

/** Most different names in metrics: an application may have a name for each thing. */
const MAX_METHODS = 512;

const METHODS = WebwireClient.prototype as unknown as Methods;

/** Makes a span for each request, signal and stream of the clients of the process, and measures its duration. */
export class ClientCalls {
  readonly #codes = new Vocabulary(MAX_ERROR_CODES);
  readonly #methods = new Vocabulary(MAX_METHODS);
  readonly #servers = new WeakMap<WebwireClient, { readonly url: string; readonly attributes: Attributes }>();
  #stop: (() => void) | undefined;

  constructor(private readonly telemetry: Telemetry) {}

  start(): void {
    const stops = [
      this.#replace('request', (span, result) => span.watchPromise(result as Promise<unknown>)),
      this.#replace('signal', (span, result) => span.watchPromise(result as Promise<unknown>)),
      this.#replace('stream', (span, result) => span.watchStream(result as AsyncGenerator)),
    ];
    this.#stop = () => {
      for (const stop of stops) stop();
    };
  }

  /** Calls in progress end their spans when they are over. */
  stop(): void {
    this.#stop?.();
  }

  /** @returns Undoes it. */
  #replace(kind: Name, watch: (call: ClientCall, result: unknown) => void): () => void {
    const original = METHODS[kind];
    let isActive = true;
    const begin = (client: WebwireClient, name: unknown) => this.#begin(kind, client, String(name));
    const replacement: Call = function (name, ...rest) {
      if (!isActive) return original.call(this, name, ...rest);
      const call = begin(this, name);
      let result: unknown;
      try {
        result = callWithin(call.span, () => original.call(this, name, ...rest));
      } catch (error) {
        call.fail(error);
        throw error;
      }
      watch(call, result);
      return result;
    };
    METHODS[kind] = replacement;
    return () => {
      isActive = false;
      // Another library may have replaced the method since.
      if (METHODS[kind] === replacement) METHODS[kind] = original;
    };
  }

  #begin(kind: MessageKind, client: WebwireClient, name: string): ClientCall {
    const attributes = { ...callAttributes(kind, name), ...this.#serverOf(client) };
    const parent = contexts.active();
    const span = this.telemetry.tracer.startSpan(spanName(name), { kind: SpanKind.CLIENT, attributes }, parent);
    if (name !== '') attributes[RPC_METHOD] = this.#methods.of(name);
    const serverOf = () => this.#serverOf(client);
    return new ClientCall(this.telemetry, this.#codes, span, trace.setSpan(parent, span), attributes, serverOf);
  }

  /** If a function of the application has the URL, there is none before the first attempt to connect, and each may have another one. */
  #serverOf(client: WebwireClient): Attributes {
    const { url } = client;
    const known = this.#servers.get(client);
    if (known?.url === url) return known.attributes;
    if (url === '') return {};
    const { hostname, port, protocol } = new URL(url);
    const attributes = {
      [SERVER_ADDRESS]: hostname.replace(/^\[|\]$/g, ''),
      [SERVER_PORT]: port === '' ? (protocol === 'wss:' ? 443 : 80) : Number(port),
    };
    this.#servers.set(client, { url, attributes });
    return attributes;
  }
}

/** One call of a client. It ends once. */
class ClientCall {
  readonly #startedAt = performance.now();
  #isOver = false;

  constructor(
    private readonly telemetry: Telemetry,
    private readonly codes: Vocabulary,
    readonly span: Span,
    private readonly context: Context,
    /** Attributes of the metric. */
    private readonly attributes: Attributes,
    private readonly serverOf: () => Attributes,
  ) {}

  watchPromise(promise: Promise<unknown>): void {
    promise.then(
      () => this.#end({}),
      (error: unknown) => this.fail(error),
    );
  }

  /** Watches the methods of the generator. Leaving a stream is the ordinary way to end it, and no failure. */
  watchStream(stream: AsyncGenerator): void {
    const next = stream.next.bind(stream);
    const leave = stream.return.bind(stream);
    const interrupt = stream.throw.bind(stream);
    const watch = (step: Promise<IteratorResult<unknown>>, atEnd: Attributes) => {
      step.then(
        ({ done }) => done && this.#end(atEnd),
        (error: unknown) => this.fail(error),
      );
      return step;
    };
    const canceled = { [RPC_RESPONSE_STATUS_CODE]: CANCELED };
    stream.next = (...args) => watch(next(...args), {});
    stream.return = (value) => watch(leave(value), canceled);
    stream.throw = (error) => watch(interrupt(error), canceled);
  }

  fail(error: unknown): void {
    const code = this.codes.of(codeOf(error));
    const isReplied =
      error instanceof RequestError || error instanceof InternalServerError || error instanceof ServerShutdownError;
    this.#end({ [ERROR_TYPE]: code, ...(isReplied && { [RPC_RESPONSE_STATUS_CODE]: code }) });
  }

  #end(result: Attributes): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // The call may have waited for a connection.
    const server = this.serverOf();
    this.span.setAttributes({ ...server, ...result });
    if (result[ERROR_TYPE] !== undefined) this.span.setStatus({ code: SpanStatusCode.ERROR });
    this.span.end();
    const seconds = (performance.now() - this.#startedAt) / 1_000;
    this.telemetry.clientDuration.record(seconds, { ...this.attributes, ...server, ...result }, this.context);
  }
}

/** The code of an error of the client, else the name of its class. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return OTHER;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : error.name;
}
