import type { ProtocolError } from '../../protocol/index.js';
import type { TransportConnection, TransportHandlers } from '../../server/ports/transport-connection.js';
import { CLOSE_TIMEOUT } from '../../common/timeout.js';
import { frameViolation, textFrame } from '../violations.js';
import { Cable, type CableEnd } from './cable.js';
import { sizeOf, type CloseFrame, type MemoryFrame } from './pipe.js';

/** Length of the shortest frame header of a WebSocket, in bytes. Counted so that `bytesRead` also grows for an empty frame. */
const HEADER_LENGTH = 2;

/** The server's end of a connection of a `MemoryTransport`. */
export class MemoryConnection implements TransportConnection, CableEnd {
  readonly cable: Cable;
  #handlers: TransportHandlers | undefined;
  #bytesRead = 0;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #isViolated = false;
  #closeTimer: NodeJS.Timeout | undefined;

  constructor(
    client: CableEnd,
    readonly remoteAddress: string | undefined,
    private readonly messageBufferSize: number,
  ) {
    this.cable = new Cable(client, this);
  }

  /** Begins to deliver frames of the client. */
  start(handlers: TransportHandlers): void {
    this.#handlers = handlers;
    this.cable.toServer.open();
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  get bytesWritten(): number {
    return this.cable.toClient.delivered;
  }

  get bufferedAmount(): number {
    return this.cable.toClient.backlog;
  }

  send(message: Uint8Array): boolean {
    if (this.#state !== 'open') return false;
    // A copy, because a broadcast sends the same bytes to many clients, and each may change its message.
    this.cable.toClient.push(new Uint8Array(message));
    return true;
  }

  pause(): void {
    this.cable.toServer.pause();
  }

  resume(): void {
    this.cable.toServer.resume();
  }

  drain(): void {
    this.cable.toClient.flush();
  }

  close(code: number, reason: string): void {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.cable.toClient.push({ code, reason });
    // The close frame of the client has to be read.
    this.cable.toServer.resume();
    this.#closeTimer = setTimeout(() => this.cable.cut(), CLOSE_TIMEOUT);
  }

  terminate(): void {
    if (this.#state !== 'closed') this.cable.cut();
  }

  deliver(frame: MemoryFrame): void {
    this.#bytesRead += HEADER_LENGTH + sizeOf(frame);
    if (typeof frame === 'string' || frame instanceof Uint8Array) this.#receive(frame);
    else this.#receiveClose(frame);
  }

  /** Called when everything that waited at the time of `drain()` has been delivered. */
  drained(): void {
    if (this.#state === 'open') this.#handlers?.drained();
  }

  lost(): void {
    this.#closed(false);
  }

  #receive(message: string | Uint8Array): void {
    if (this.#state === 'closed' || this.#isViolated) return;
    if (sizeOf(message) > this.messageBufferSize) {
      this.#violate(frameViolation('MESSAGE_TOO_LARGE', this.messageBufferSize));
    } else if (typeof message === 'string') {
      this.#violate(textFrame());
    } else {
      this.#handlers!.receive(message);
    }
  }

  #violate(error: ProtocolError): void {
    this.#isViolated = true;
    this.#handlers!.violate(error);
  }

  /** Echoes the close frame of the client, unless the server closed first. */
  #receiveClose(frame: CloseFrame): void {
    if (this.#state === 'open') this.cable.toClient.push(frame);
    this.#closed(true);
  }

  #closed(clean: boolean): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    clearTimeout(this.#closeTimer);
    this.#handlers!.closed(clean);
  }
}
