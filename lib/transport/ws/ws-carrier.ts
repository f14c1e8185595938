import type { Socket } from 'node:net';
import type { Carrier } from '../../server/carrier.js';
import { frame } from './frame.js';
import type { DeferringWebSocket } from './deferring-websocket.js';

/** What is queued is written when it reaches this size, in bytes, even within a tick. */
const LARGE_BATCH = 64 * 1024;

/** A WebSocket as a carrier. Messages of one tick leave in one write. */
export class WsCarrier implements Carrier {
  #batch: Uint8Array[] = [];
  #batchSize = 0;

  readonly remoteAddress: string | undefined;

  constructor(
    private readonly webSocket: DeferringWebSocket,
    private readonly socket: Socket,
  ) {
    // Unknown once the socket is closed.
    this.remoteAddress = socket.remoteAddress;
  }

  get bytesRead(): number {
    return this.socket.bytesRead;
  }

  get bufferedAmount(): number {
    return this.webSocket.bufferedAmount;
  }

  send(message: Uint8Array): boolean {
    if (this.webSocket.readyState !== this.webSocket.OPEN) return false;
    if (this.webSocket.isCompressing) {
      this.webSocket.send(message);
      return true;
    }
    if (this.#batch.length === 0) process.nextTick(this.#flush);
    this.#batch.push(message);
    this.#batchSize += message.length;
    if (this.#batchSize >= LARGE_BATCH) this.#flush();
    return true;
  }

  pause(): void {
    this.webSocket.pause();
  }

  resume(): void {
    this.webSocket.resume();
  }

  probe(): void {
    if (this.webSocket.readyState === this.webSocket.OPEN) this.webSocket.ping();
  }

  close(code: number, reason: string): void {
    this.#flush();
    // The answer to the close frame has to be read.
    this.webSocket.resume();
    this.webSocket.closeNow(code, reason);
  }

  terminate(): void {
    this.webSocket.terminate();
  }

  /**
   * `ws` would write each message twice, header and payload; written here they are one buffer. Nothing else of
   * `ws` is bypassed: its control frames go to the same socket, whole, before or after a batch.
   */
  readonly #flush = (): void => {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#batchSize = 0;
    if (this.webSocket.readyState === this.webSocket.OPEN) this.socket.write(frame(batch));
  };
}
