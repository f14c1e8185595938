import { isUtf8 } from 'node:buffer';
import type { Socket } from 'node:net';
import type { EncodableMessage } from '../../protocol/index.js';
import type { TransportConnection, TransportHandlers } from '../../server/ports/transport-connection.js';
import { CLOSE_TIMEOUT } from '../../common/timeout.js';
import { DeflateQueue } from './deflate/deflate-queue.js';
import type { Inflated, Inflater } from './deflate/inflater.js';
import type { Compression } from './deflate/permessage-deflate.js';
import type { FrameErrorCode } from './framing/frame-error.js';
import { FINAL_CLOSE, FINAL_PING, FINAL_PONG } from './framing/frame-header.js';
import { FrameReader, type FrameListener } from './framing/frame-reader.js';
import { SocketReader, type SocketListener } from './socket-reader.js';
import { frameViolation, textFrame } from './violations.js';
import { bytesTaken } from './writing/bytes-taken.js';
import { WriteBatch } from './writing/write-batch.js';
import type { WriteBufferPool } from './writing/write-buffer-pool.js';

/** A message that is put together of pieces cannot be longer, in bytes: buffers have an end, and grow to twice their size. */
const LONGEST_MESSAGE = 0x7fff_ffff;

const NOTHING = new Uint8Array(0);

/** What the connections of one server have in common. */
export interface WebSocketSurroundings {
  readonly outgoing: WriteBufferPool;
  /** In bytes. */
  readonly messageBufferSize: number;
  /** In bytes. */
  readonly maxBufferedAmount: number;
}

/**
 * A WebSocket (RFC 6455) as a transport connection, with or without permessage-deflate (RFC 7692). Messages are read from
 * where the socket put them, and what is sent together leaves in one write.
 */
export class WebSocketConnection implements TransportConnection, FrameListener, SocketListener {
  readonly remoteAddress: string | undefined;
  readonly #frames: FrameReader;
  readonly #reader: SocketReader;
  readonly #batch: WriteBatch;
  readonly #inflater: Inflater | undefined;
  /** Compresses what is sent. Absent if the client did not ask for that. */
  readonly #deflateQueue: DeflateQueue | undefined;
  #listener: TransportHandlers | undefined;
  /** Whether messages may be sent. */
  #isOpen = true;
  /** Payload of the close frame of this side, which is sent when nothing waits to be compressed. */
  #closePayload: Uint8Array | undefined;
  #isCloseSent = false;
  #isCloseReceived = false;
  #isSocketClosed = false;
  #cutting: NodeJS.Timeout | undefined;
  #isDraining = false;
  /** Whether draining has to begin when nothing waits to be compressed. */
  #isDrainDue = false;
  /** What the last ping brought that is to be answered when the backlog has been written. */
  #latePing: Buffer | undefined;

  /**
   * @param response Accepts the upgrade; it is sent with the first messages.
   * @param compression Absent if messages of neither side are compressed.
   */
  constructor(
    private readonly socket: Socket,
    private readonly surroundings: WebSocketSurroundings,
    response: Uint8Array,
    compression?: Compression,
  ) {
    const { outgoing, messageBufferSize } = surroundings;
    // Unknown once the socket is closed.
    this.remoteAddress = socket.remoteAddress;
    this.#frames = new FrameReader(this, {
      message: Math.min(messageBufferSize, LONGEST_MESSAGE),
      compressed: compression && Math.min(compression.maxCompressedLength, LONGEST_MESSAGE),
    });
    this.#reader = new SocketReader(socket, this.#frames, outgoing.flushScheduler, this);
    this.#batch = new WriteBatch(socket, outgoing, (error) => this.#fail(error));
    this.#batch.addPiece(response);
    if (!compression) return;
    this.#inflater = compression.inflater;
    this.#deflateQueue = new DeflateQueue(this.#batch, compression, () => this.#onDeflated());
  }

  /**
   * Begins to read.
   * @param head What the client sent right after its upgrade request.
   */
  start(listener: TransportHandlers, head: Buffer): void {
    this.#listener = listener;
    this.socket.setTimeout(0);
    this.socket.setNoDelay();
    this.#reader.start(head);
  }

  get bytesRead(): number {
    return this.socket.bytesRead;
  }

  get bytesWritten(): number {
    return bytesTaken(this.socket);
  }

  get bufferedAmount(): number {
    return this.#batch.size + this.socket.writableLength + (this.#deflateQueue?.waitingBytes ?? 0);
  }

  send(message: Uint8Array): boolean {
    if (this.#isOpen) (this.#deflateQueue ?? this.#batch).addEncoded(message);
    return this.#isOpen;
  }

  sendMessage(message: EncodableMessage, length: number): boolean {
    if (this.#isOpen) (this.#deflateQueue ?? this.#batch).addMessage(message, length);
    return this.#isOpen;
  }

  pause(): void {
    this.#reader.pause();
  }

  resume(): void {
    this.#reader.resume();
  }

  drain(): void {
    if (!this.#isOpen || this.#isDraining) return;
    this.#isDraining = true;
    if (this.#deflateQueue?.isEmpty === false) {
      this.#isDrainDue = true;
      this.#batch.flush();
    } else {
      this.#batch.drain((error) => this.#drained(error));
    }
  }

  probe(): void {
    if (this.#isOpen) this.#batch.addFrame(FINAL_PING, NOTHING);
  }

  close(code: number, reason: string): void {
    if (!this.#isOpen) return;
    const payload = Buffer.from(`..${reason}`);
    payload.writeUInt16BE(code);
    this.#sendClose(payload);
  }

  terminate(): void {
    this.#isOpen = false;
    this.socket.destroy();
  }

  onMessage(bytes: Buffer, start: number, end: number, isBinary: boolean): void {
    if (isBinary) this.#listener!.receive(bytes, start, end);
    else this.#listener!.violate(textFrame());
  }

  onCompressedMessage(bytes: Buffer, start: number, end: number, isBinary: boolean): void {
    // The server has closed the connection and drops what arrives: inflating it would be wasted.
    if (this.#closePayload) return;
    const inflated = this.#inflater!.inflateAtOnce(bytes, start, end);
    if (inflated !== undefined) {
      this.#onInflated(inflated, isBinary);
      return;
    }
    // Messages keep their order, so the next one has to wait.
    this.#reader.hold();
    this.#inflater!.inflateLater(bytes, start, end, (result) => {
      this.#reader.release(() => this.#onInflated(result, isBinary));
    });
  }

  onPing(data: Buffer): void {
    if (!this.#isOpen) return;
    if (this.bufferedAmount <= this.surroundings.maxBufferedAmount) {
      this.#batch.addFrame(FINAL_PONG, data);
      return;
    }
    // A peer that pings without reading must not fill the memory with pongs: only the last ping is answered, as RFC 6455
    // (section 5.5.3) allows.
    this.#latePing = Buffer.from(data);
    this.drain();
    this.#listener!.congest();
  }

  onClose(payload: Buffer): void {
    this.#isCloseReceived = true;
    // A reason that is not text is no reason: what goes out has to be valid, whatever came.
    if (this.#isOpen) this.#sendClose(isUtf8(payload.subarray(2)) ? payload : payload.subarray(0, 2));
    else if (this.#isCloseSent) this.socket.end();
  }

  onFrameError(code: FrameErrorCode): void {
    this.#listener!.violate(frameViolation(code, this.surroundings.messageBufferSize));
  }

  onSocketClosed(): void {
    this.#isOpen = false;
    this.#isSocketClosed = true;
    this.#deflateQueue?.discard();
    this.#batch.discard();
    clearTimeout(this.#cutting);
  }

  onReadToEnd(): void {
    if (this.#isSocketClosed) {
      this.#listener!.closed(this.#isCloseReceived);
    } else {
      this.#isOpen = false;
      this.#finish();
    }
  }

  #onInflated(inflated: Inflated, isBinary: boolean): void {
    if (typeof inflated === 'string') {
      this.#frames.stop();
      this.onFrameError(inflated);
    } else {
      this.onMessage(inflated, 0, inflated.length, isBinary);
    }
  }

  /** Nothing waits to be compressed any more. */
  #onDeflated(): void {
    if (!this.#isOpen) {
      this.#finish();
    } else if (this.#isDrainDue) {
      this.#isDrainDue = false;
      this.#batch.drain((error) => this.#drained(error));
    }
  }

  #drained(error: Error | null | undefined): void {
    this.#isDraining = false;
    if (error || !this.#isOpen) return;
    const ping = this.#latePing;
    this.#latePing = undefined;
    if (ping) this.#batch.addFrame(FINAL_PONG, ping);
    this.#listener!.drained();
  }

  #fail(error: unknown): void {
    this.#isOpen = false;
    this.#listener!.fail(error);
  }

  #sendClose(payload: Uint8Array): void {
    this.#isOpen = false;
    this.#closePayload = payload;
    this.#finish();
    this.#reader.resume();
  }

  /**
   * Ends the sending, once nothing waits to be compressed. The peer has to answer a close frame, unless its own came first or
   * it sends nothing more. It may still read what is on its way, or not: nobody waits for it for ever.
   */
  #finish(): void {
    if (this.#deflateQueue?.isEmpty === false) return;
    if (this.#closePayload && !this.#isCloseSent) {
      this.#isCloseSent = true;
      this.#batch.addFrame(FINAL_CLOSE, this.#closePayload);
    }
    this.#batch.flush();
    if (this.#frames.isDone || this.#reader.isEnded) this.socket.end();
    this.#cutting ??= setTimeout(() => this.socket.destroy(), CLOSE_TIMEOUT);
  }
}
