import {
  context as contexts,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Link,
  type Span,
} from '@opentelemetry/api';
import type { MessageTracing, WebwireConnection } from '../index.js';
import {
  callAttributes,
  CANCELED,
  CODE_FUNCTION_NAME,
  CONNECTION_ID,
  DISCONNECTED,
  ERROR_TYPE,
  INTERNAL_SERVER_ERROR,
  CLIENT_ADDRESS,
  MESSAGE_KINDS,
  NETWORK_PEER_ADDRESS,
  OTHER,
  RPC_METHOD_ORIGINAL,
  RPC_RESPONSE_STATUS_CODE,
  SERVER_SHUTDOWN,
  spanName,
  type MessageKind,
} from './conventions.js';
import { Subscriptions } from './subscriptions.js';
import type { Telemetry } from './telemetry.js';
import { readRemoteSpan } from './trace-context.js';
import { MAX_ERROR_CODES, Vocabulary } from './vocabulary.js';

/** A message that is not over. */
interface OpenCall {
  readonly span: Span;
  readonly context: Context;
  /** Of `performance.now()`. */
  readonly startedAt: number;
  /** Attributes of the metric. */
  readonly attributes: Attributes;
}

/** Makes a span for each message that a server handles, and measures its duration. */
export class ServerCalls {
  readonly #open = new Map<MessageTracing, OpenCall>();
  readonly #subscriptions = new Subscriptions();
  readonly #codes = new Vocabulary(MAX_ERROR_CODES);
  readonly #links = new WeakMap<WebwireConnection, readonly Link[]>();

  /** @param knownMethods Names that fallbacks take and that spans and metrics may have. */
  constructor(
    private readonly telemetry: Telemetry,
    private readonly knownMethods: ReadonlySet<string>,
  ) {}

  start(): void {
    for (const kind of MESSAGE_KINDS) {
      const channel = `tracing:nestjs-webwire:${kind}`;
      this.#subscriptions.add(`${channel}:start`, (message: MessageTracing) => this.#begin(kind, message));
      for (const event of ['end', 'asyncEnd']) {
        this.#subscriptions.add(`${channel}:${event}`, (message: MessageTracing) => this.#end(message));
      }
    }
  }

  /** Ends the spans of all messages that are not over. */
  stop(): void {
    this.#subscriptions.end();
    for (const { span } of this.#open.values()) span.end();
    this.#open.clear();
  }

  #begin(kind: MessageKind, tracing: MessageTracing): void {
    const { connection, message, gateway, handler } = tracing;
    const { name } = message;
    const method = tracing.route ?? (this.knownMethods.has(name) ? name : OTHER);
    const attributes = callAttributes(kind, method);
    const parent = message.trace && readRemoteSpan(message.trace.traceparent, message.trace.tracestate);
    // Not the active context: this may run within that of another message, which has ended and made room for this one.
    const outer = parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
    const span = this.telemetry.tracer.startSpan(
      spanName(method),
      {
        kind: SpanKind.SERVER,
        links: parent ? [] : [...this.#linksOf(connection)],
        attributes: {
          ...attributes,
          ...(method === OTHER && { [RPC_METHOD_ORIGINAL]: name }),
          ...(handler !== undefined && { [CODE_FUNCTION_NAME]: `${gateway}.${handler}` }),
          ...(connection.ip !== undefined && { [CLIENT_ADDRESS]: connection.ip }),
          ...(connection.remoteAddress !== undefined && { [NETWORK_PEER_ADDRESS]: connection.remoteAddress }),
          [CONNECTION_ID]: connection.id,
        },
      },
      outer,
    );
    const context = trace.setSpan(outer, span);
    tracing.wrapHandler((call) => contexts.with(context, call));
    this.#open.set(tracing, { span, context, startedAt: performance.now(), attributes });
  }

  /** The span of the client's program that opened the connection, if it has sent its context. */
  #linksOf(connection: WebwireConnection): readonly Link[] {
    const known = this.#links.get(connection);
    if (known) return known;
    const { traceparent, tracestate } = connection.request.headers;
    const context = readRemoteSpan(traceparent, tracestate);
    const links = context ? [{ context }] : [];
    this.#links.set(connection, links);
    return links;
  }

  #end(tracing: MessageTracing): void {
    const call = tracing.outcome === undefined ? undefined : this.#open.get(tracing);
    if (!call) return;
    this.#open.delete(tracing);
    const { span, startedAt } = call;
    const result = this.#resultOf(tracing);
    span.setAttributes(result);
    if (tracing.outcome === 'failed') span.recordException(exceptionOf(tracing.error));
    if (result[ERROR_TYPE] !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
    const attributes = { ...call.attributes, ...result };
    this.telemetry.serverDuration.record((performance.now() - startedAt) / 1_000, attributes, call.context);
  }

  /** A request that its client gave up has not failed: leaving a stream is the ordinary way to end it. */
  #resultOf({ outcome, code, error, message }: MessageTracing): Attributes {
    switch (outcome) {
      case 'refused':
        return failedWith(this.#codes.of(code ?? OTHER), message.isRequest);
      case 'failed':
        return message.isRequest
          ? failedWith(INTERNAL_SERVER_ERROR, true)
          : failedWith(this.#codes.of(error instanceof Error ? error.name : OTHER), false);
      case 'canceled':
        return { [RPC_RESPONSE_STATUS_CODE]: CANCELED };
      case 'shutdown':
        return failedWith(SERVER_SHUTDOWN, message.isRequest);
      case 'connection-lost':
        return failedWith(DISCONNECTED, false);
      case 'replied':
      case 'handled':
      case undefined:
        return {};
      default:
        return outcome satisfies never;
    }
  }
}

/** @param isReplied False if no reply has the code. */
function failedWith(code: string, isReplied: boolean): Attributes {
  return { [ERROR_TYPE]: code, ...(isReplied && { [RPC_RESPONSE_STATUS_CODE]: code }) };
}

function exceptionOf(error: unknown): Error | string {
  return error instanceof Error ? error : 'a value that is no Error was thrown';
}
