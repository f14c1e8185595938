import { MESSAGE_OVERHEAD, FIRST_CREDIT, CREDIT_NAME } from '../../protocol/extensions.js';
import { MessageType } from '../../protocol/index.js';
import { encodeUtf8 } from '../../protocol/text.js';
import type { Outbox } from '../outbox.js';

/** Windows grow with `maxBufferedAmount` up to this size, in bytes. */
const MAX_GROWN_WINDOW = 1_048_576;

/** The largest messages that fit into each window. */
const BUFFERS = 16;

/** Limits of one connection, in bytes. */
export interface MessageWindowLimits {
  readonly messageBufferSize: number;
  readonly maxBufferedAmount: number;
}

/**
 * The size of a window. It depends on `maxBufferedAmount`, because that is what an application allows a connection in the other
 * direction.
 */
export function messageWindow({ messageBufferSize, maxBufferedAmount }: MessageWindowLimits): number {
  return Math.max(BUFFERS * messageBufferSize, FIRST_CREDIT, Math.min(maxBufferedAmount, MAX_GROWN_WINDOW));
}

/**
 * Bounds the messages of a client that the server has not begun to handle, so that the server never has to stop reading, and
 * receives cancellations at any time (docs/PROTOCOL.md, section 11.6).
 */
export class MessageWindow {
  /** Size of the messages that no longer wait and were not granted again, in bytes. */
  #free: number;

  /**
   * @param size In bytes.
   * @param waiting Size of the messages that were received before the client asked, in bytes. They do not count.
   */
  constructor(
    private readonly size: number,
    waiting: number,
    private readonly outbox: Outbox,
  ) {
    this.#free = -waiting;
  }

  /** A message of this length does not wait any more, or did not have to. */
  leave(length: number): void {
    this.#free += length + MESSAGE_OVERHEAD;
    // Several messages are granted with one signal.
    if (this.#free < this.size / 2) return;
    const payload = encodeUtf8(String(this.#free));
    this.#free = 0;
    this.outbox.send({ type: MessageType.SignalUtf8, name: CREDIT_NAME, payload });
  }
}
