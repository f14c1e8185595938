import { WebSocket } from 'ws';

/** Close codes with which `ws` answers a frame it cannot accept: broken, not UTF-8, in too many pieces, too big. */
const RECEIVER_FAILURES: ReadonlySet<number | undefined> = new Set([1002, 1007, 1008, 1009]);

/**
 * A `WebSocket` that leaves it to the server when to close after a frame that `ws` refused: handlers that are
 * already running still have their replies to send (PROTOCOL.md, section 9).
 */
export class DeferringWebSocket extends WebSocket {
  #isTakenOver = false;

  /**
   * Called by `ws` for a refused frame, just before it emits `error`, and for a close frame of the peer. The two
   * look alike, but only the first is followed by `error`.
   */
  override close(code?: number, reason?: string | Buffer): void {
    if (!RECEIVER_FAILURES.has(code)) {
      super.close(code, reason);
      return;
    }
    process.nextTick(() => {
      if (!this.#isTakenOver) super.close(code, reason);
    });
  }

  /** Called on `error`: the server closes, when it is done. */
  takeOver(): void {
    this.#isTakenOver = true;
  }

  /** Closes for the server, whatever the code. */
  closeNow(code: number, reason: string): void {
    super.close(code, reason);
  }
}
