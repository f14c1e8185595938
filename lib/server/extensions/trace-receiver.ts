import { Buffer } from 'node:buffer';
import { identifierIn, TRACE_NAME, TRACE_PREFIX, type TraceContext } from '../../protocol/extensions.js';
import type { Payload } from '../../protocol/index.js';
import { keyFromHex, type Message, type RequestKey } from '../message.js';

/** Version, trace ID, parent ID and flags. Version `ff` and IDs of zeros are invalid; later versions may have more parts. */
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}(?<more>-[ -~]*)?$/;
const FIRST_VERSION = '00';
const PRINTABLE = /^[ -~]+$/;

/** Longest traceparent and tracestate, in characters. Version 00 of traceparent has 55. */
const MAX_TRACEPARENT = 128;
const MAX_TRACESTATE = 512;

const LINE_FEED = 0x0a;

/** Takes the trace contexts that a client sends, each just before its message (docs/PROTOCOL.md, section 11.5). */
export class TraceReceiver {
  /** The last context, until the next message. Its key is `undefined` if it belongs to a signal. */
  #pending: { readonly key: RequestKey | undefined; readonly context: TraceContext } | undefined;

  /** Takes a signal with a reserved name. Those that contain no valid trace context are ignored. */
  receive(name: string, payload: Payload): void {
    const digits = identifierIn(name, TRACE_PREFIX);
    if (digits === undefined && name !== TRACE_NAME) return;
    const context = readTraceContext(payload);
    if (context) this.#pending = { key: digits === undefined ? undefined : keyFromHex(digits), context };
  }

  /** Passes the context on to the next request or signal of the application, or drops it if it belongs to another one. */
  attach(message: Message): void {
    if (!this.#pending) return;
    const { key, context } = this.#pending;
    this.#pending = undefined;
    if (key === (message.isRequest ? message.key : undefined)) message.traceWith(context);
  }
}

/**
 * Reads `traceparent`, and after a line feed `tracestate`, which may be left out.
 * @returns `undefined` without a valid traceparent. An invalid tracestate is left out, as W3C Trace Context demands.
 */
function readTraceContext({ encoding, bytes }: Payload): TraceContext | undefined {
  if (encoding !== 'utf8') return undefined;
  const lineEnd = bytes.indexOf(LINE_FEED);
  const traceparent = asciiOf(lineEnd < 0 ? bytes : bytes.subarray(0, lineEnd), MAX_TRACEPARENT);
  const match = TRACEPARENT.exec(traceparent);
  if (!match || (match.groups?.more !== undefined && traceparent.startsWith(FIRST_VERSION))) return undefined;
  const tracestate = lineEnd < 0 ? '' : asciiOf(bytes.subarray(lineEnd + 1), MAX_TRACESTATE);
  return Object.freeze(PRINTABLE.test(tracestate) ? { traceparent, tracestate } : { traceparent });
}

/** Other bytes than ASCII become characters that are not ASCII. @returns An empty string for more than `maxLength` bytes. */
function asciiOf(bytes: Uint8Array, maxLength: number): string {
  return bytes.length > maxLength ? '' : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
