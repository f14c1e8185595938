/** Names and types that gateways and clients share. */

/** Read timeout of the gateway with its own port, in milliseconds. */
export const SHORT_READ_TIMEOUT = 4_000;

/** Most connections that may have one session. */
export const MAX_SESSION_CONNECTIONS = 3;

/** Path of the gateway with enhancers and without sessions. */
export const GUARDED_PATH = '/guarded';

/** Groups that clients join and leave. */
export const GROUPS: readonly string[] = ['red', 'green', 'blue', 'grey'];

/** Text of failures that handlers cause on purpose, to recognise them in the log. */
export const ON_PURPOSE = 'on purpose';

/** The kind of failure that a handler must cause. */
export type FailureKind = 'request-error' | 'ws-exception' | 'http-exception' | 'error' | 'rejection';

/** Body of a request to a slow handler. */
export interface SlowBody {
  /** Identifier of the request, with which the handler reports that it has begun. */
  readonly id: string;
  readonly ms: number;
  /** Text of the reply. */
  readonly text: string;
  /** True if the handler must stop when the connection is gone. */
  readonly stops: boolean;
}

/** Body of a request to a handler that sends signals before it replies. */
export interface BurstBody {
  readonly id: string;
  readonly count: number;
}

/** Body of a request to a handler that sends more than some clients read. */
export interface FloodBody {
  readonly count: number;
  readonly size: number;
}

/** Source of the content of large replies: all parts of 256 bytes are different. */
const PATTERN = Uint8Array.from({ length: 256 * 1024 }, (_, index) => (index * 31 + (index >> 8) * 7) & 0xff);

/** The content of a large reply. */
export function pattern(size: number, start: number): Uint8Array {
  return PATTERN.subarray(start, start + size);
}
