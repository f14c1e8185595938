import { ProtocolError } from '../../protocol/index.js';
import type { TransportConnection, TransportHandlers } from '../../server/ports/transport-connection.js';
import { CLOSE_TIMEOUT } from '../../common/timeout.js';
import { Cable, type CableEnd } from './cable.js';
import { sizeOf, type Closing, type Parcel } from './pipe.js';

/** What every parcel counts for, were it empty: frames of a WebSocket have a header of that length, in bytes. */
const HEADER_LENGTH = 2;

/** The server's end of a connection. */
export class MemoryConnection implements TransportConnection, CableEnd {
  readonly cable: Cable;
  #listener: TransportHandlers | undefined;
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

  /** Says whom to tell what arrives, which nothing does before. */
  listen(listener: TransportHandlers): void {
    this.#listener = listener;
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
    // A copy: a broadcast hands the same bytes to many, and each client may change what it got.
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
    // The answer has to be read.
    this.cable.toServer.resume();
    this.#closeTimer = setTimeout(() => this.cable.cut(), CLOSE_TIMEOUT);
  }

  terminate(): void {
    if (this.#state !== 'closed') this.cable.cut();
  }

  deliver(parcel: Parcel): void {
    this.#bytesRead += HEADER_LENGTH + sizeOf(parcel);
    if (typeof parcel === 'string' || parcel instanceof Uint8Array) this.#receive(parcel);
    else this.#receiveClosing(parcel);
  }

  /** What waited when `drain` was called has been delivered. */
  drained(): void {
    if (this.#state === 'open') this.#listener?.drained();
  }

  lost(): void {
    this.#closed(false);
  }

  #receive(message: string | Uint8Array): void {
    if (this.#state === 'closed' || this.#isViolated) return;
    if (sizeOf(message) > this.messageBufferSize) {
      this.#violate(new ProtocolError('MESSAGE_TOO_LARGE', 'message larger than the buffer', this.messageBufferSize));
    } else if (typeof message === 'string') {
      this.#violate(new ProtocolError('TEXT_FRAME', 'text frame: messages are binary', 0));
    } else {
      this.#listener!.receive(message);
    }
  }

  #violate(error: ProtocolError): void {
    this.#isViolated = true;
    this.#listener!.violate(error);
  }

  /** Whoever did not close first answers with the same. */
  #receiveClosing(closing: Closing): void {
    if (this.#state === 'open') this.cable.toClient.push(closing);
    this.#closed(true);
  }

  #closed(clean: boolean): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    clearTimeout(this.#closeTimer);
    this.#listener!.closed(clean);
  }
}
