/** What the gateways and their clients agree on, beyond the protocol. */

/** How long a client on the port of its own may be silent, in milliseconds. */
export const SHORT_READ_TIMEOUT = 4_000;

/** Connections that may have one session. */
export const MAX_SESSION_CONNECTIONS = 3;

/** Path of the gateway with guards and the like, and without sessions. */
export const GUARDED_PATH = '/guarded';

/** Groups that clients join and quit. */
export const GROUPS: readonly string[] = ['red', 'green', 'blue', 'grey'];

/** Failures that handlers produce on purpose say so, which sets them apart in the log. */
export const ON_PURPOSE = 'on purpose';

/** How a handler is to fail. */
export type FailureKind = 'request-error' | 'ws-exception' | 'http-exception' | 'error' | 'rejection';

/** What a client asks of a handler that takes its time. */
export interface SlowBody {
  /** Of the request, so that the handler can tell that it has begun. */
  readonly id: string;
  readonly ms: number;
  /** What to reply. */
  readonly text: string;
  /** Whether the work is to stop when the connection is gone. */
  readonly stops: boolean;
}

/** What a client asks of a handler that sends signals before it replies. */
export interface BurstBody {
  readonly id: string;
  readonly count: number;
}

/** What a client asks of a handler that sends more than some can read. */
export interface FloodBody {
  readonly count: number;
  readonly size: number;
}

/** What large replies are cut from: every 256 bytes of it differ from all others. */
const PATTERN = Uint8Array.from({ length: 256 * 1024 }, (_, index) => (index * 31 + (index >> 8) * 7) & 0xff);

/** The content of a large reply. */
export function pattern(size: number, start: number): Uint8Array {
  return PATTERN.subarray(start, start + size);
}
