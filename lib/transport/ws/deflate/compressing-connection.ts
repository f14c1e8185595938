import type { Socket } from 'node:net';
import type { TransportConnection } from '../../../server/ports/transport-connection.js';
import { bytesTaken } from '../writing/bytes-taken.js';
import type { DeferringWebSocket } from './deferring-websocket.js';

/** A WebSocket of `ws` as a transport connection, for clients whose messages are compressed. */
export class CompressingCarrier implements TransportConnection {
  readonly remoteAddress: string | undefined;
  /** Called when what waited has been written. */
  onDrained: () => void = () => undefined;
  #isDraining = false;

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

  get bytesWritten(): number {
    return bytesTaken(this.socket);
  }

  get bufferedAmount(): number {
    return this.webSocket.bufferedAmount;
  }

  send(message: Uint8Array): boolean {
    if (this.webSocket.readyState !== this.webSocket.OPEN) return false;
    this.webSocket.send(message);
    return true;
  }

  pause(): void {
    this.webSocket.pause();
  }

  resume(): void {
    this.webSocket.resume();
  }

  drain(): void {
    if (this.#isDraining || this.webSocket.readyState !== this.webSocket.OPEN) return;
    this.#isDraining = true;
    // It leaves behind what waits to be compressed, too.
    this.webSocket.ping(undefined, false, (error) => {
      this.#isDraining = false;
      if (!error) this.onDrained();
    });
  }

  probe(): void {
    if (this.webSocket.readyState === this.webSocket.OPEN) this.webSocket.ping();
  }

  close(code: number, reason: string): void {
    // The answer to the close frame has to be read.
    this.webSocket.resume();
    this.webSocket.closeNow(code, reason);
  }

  terminate(): void {
    this.webSocket.terminate();
  }
}
