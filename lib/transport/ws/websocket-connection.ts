import { isUtf8 } from 'node:buffer';
import type { EncodableMessage } from '../../protocol/index.js';
import type { TransportConnection, TransportHandlers } from '../../server/ports/transport-connection.js';
import { frameViolation, textFrame } from '../violations.js';
import { CloseTimer } from '../close-timer.js';
import { DeflateQueue } from './deflate/deflate-queue.js';
import type { Inflated, Inflater } from './deflate/inflater.js';
import type { Compression } from './deflate/permessage-deflate.js';
import type { FrameErrorCode } from './framing/frame-error.js';
import { FINAL_CLOSE, FINAL_PING, FINAL_PONG } from './framing/frame-header.js';
import { FrameReader, type FrameListener } from './framing/frame-reader.js';
import { SocketReader, type SocketListener } from './socket-reader.js';
import type { UpgradedSocket } from './upgraded-socket.js';
import { bytesTaken } from './writing/bytes-taken.js';
import { WriteBatch } from './writing/write-batch.js';
import type { WriteBufferPool } from './writing/write-buffer-pool.js';

const NOTHING = new Uint8Array(0);

/** Limits of one connection. */
interface WebSocketLimits {
  /** In bytes. */
  readonly messageBufferSize: number;
  /** In bytes. */
  readonly maxBufferedAmount: number;
  /** In milliseconds. */
  readonly readTimeout: number;
}

/**
 * A WebSocket (RFC 6455) as a transport connection, with or without permessage-deflate (RFC 7692). Messages that arrive are
 * views of what was read with them, and messages that are sent at the same time leave in one write.
 */
export class WebSocketConnection implements TransportConnection, FrameListener, SocketListener {
  readonly remoteAddress: string | undefined;
  readonly #frames: FrameReader;
  readonly #reader: SocketReader;
  readonly #batch: WriteBatch;
  readonly #inflater: Inflater | undefined;
  /** Compresses outgoing messages. Absent if compression was not negotiated. */
  readonly #deflateQueue: DeflateQueue | undefined;
  #handlers: TransportHandlers | undefined;
  /** `true` while messages may be sent. */
  #isOpen = true;
  /** Payload of this side's close frame, which is sent when no message waits to be compressed. */
  #closePayload: Uint8Array | undefined;
  #isCloseSent = false;
  #isCloseReceived = false;
  #isSocketClosed = false;
  #closeTimer: CloseTimer | undefined;
  #isDraining = false;
  /** `true` if draining has to begin when no message waits to be compressed. */
  #isDrainDue = false;
  /** Payload of the last ping that has to be answered when the backlog has been written. */
  #latePing: Buffer | undefined;

  /**
   * @param pool Shared by the connections of one server.
   * @param response HTTP response that accepts the upgrade. It is sent together with the first messages.
   * @param compression Absent if compression was not negotiated.
   */
  constructor(
    private readonly socket: UpgradedSocket,
    pool: WriteBufferPool,
    private readonly limits: WebSocketLimits,
    response: Uint8Array,
    compression?: Compression,
  ) {
    // Kept, because a closed socket has no address any more.
    this.remoteAddress = socket.remoteAddress;
    this.#frames = new FrameReader(this, {
      message: limits.messageBufferSize,
      compressed: compression?.maxCompressedLength,
    });
    this.#reader = new SocketReader(socket, this.#frames, pool, this);
    this.#batch = new WriteBatch(socket, pool, (error) => this.#fail(error));
    this.#batch.addPiece(response);
    if (!compression) return;
    this.#inflater = compression.inflater;
    this.#deflateQueue = new DeflateQueue(this.#batch, compression, limits.maxBufferedAmount, () => this.#onDeflated());
  }

  /**
   * Begins to read.
   * @param head Bytes that the client sent right after its upgrade request.
   */
  start(handlers: TransportHandlers, head: Buffer): void {
    this.#handlers = handlers;
    this.socket.setTimeout?.(0);
    this.socket.setNoDelay?.();
    this.#reader.start(head);
  }

  get bytesRead(): number {
    return this.socket.bytesRead ?? this.#reader.bytesTaken;
  }

  get bytesWritten(): number {
    return bytesTaken(this.socket);
  }

  get bufferedAmount(): number {
    return this.#batch.bufferedAmount + (this.#deflateQueue?.waitingBytes ?? 0);
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
    if (isBinary) this.#handlers!.receive(bytes, start, end);
    else this.#handlers!.violate(textFrame());
  }

  onCompressedMessage(bytes: Buffer, start: number, end: number, isBinary: boolean): void {
    // The server has closed the connection and ignores messages, so inflating them would waste time.
    if (this.#closePayload) return;
    const inflated = this.#inflater!.inflateAtOnce(bytes, start, end);
    if (inflated !== undefined) {
      this.#onInflated(inflated, isBinary);
      return;
    }
    // The next message has to wait, because messages keep their order.
    this.#reader.hold();
    this.#inflater!.inflateLater(bytes, start, end, (result) => {
      this.#reader.release(() => this.#onInflated(result, isBinary));
    });
  }

  onPing(data: Buffer): void {
    if (!this.#isOpen) return;
    if (this.bufferedAmount <= this.limits.maxBufferedAmount) {
      this.#batch.addFrame(FINAL_PONG, data);
      return;
    }
    // A peer that pings without reading must not fill the memory with pongs. RFC 6455 (section 5.5.3) allows to answer only the
    // last ping.
    this.#latePing = Buffer.from(data);
    this.drain();
    this.#handlers!.congest();
  }

  onClose(payload: Buffer): void {
    this.#isCloseReceived = true;
    // The close frame echoes the payload, but without a reason that is not valid UTF-8.
    if (this.#isOpen) this.#sendClose(isUtf8(payload.subarray(2)) ? payload : payload.subarray(0, 2));
    else if (this.#isCloseSent) this.socket.end();
  }

  onFrameError(code: FrameErrorCode): void {
    this.#handlers!.violate(frameViolation(code, this.limits.messageBufferSize));
  }

  onMemoryLost(): void {
    this.#fail(new Error('the memory of a message was transferred before the next messages in it were read'));
  }

  onSocketClosed(): void {
    this.#isOpen = false;
    this.#isSocketClosed = true;
    this.#deflateQueue?.discard();
    this.#batch.discard();
    this.#closeTimer?.stop();
  }

  onReadToEnd(): void {
    if (this.#isSocketClosed) {
      this.#handlers!.closed(this.#isCloseReceived);
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

  /** Called when no message waits to be compressed any more. */
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
    this.#handlers!.drained();
  }

  #fail(error: unknown): void {
    this.#isOpen = false;
    this.#handlers!.fail(error);
  }

  #sendClose(payload: Uint8Array): void {
    this.#isOpen = false;
    this.#closePayload = payload;
    this.#finish();
    this.#reader.resume();
  }

  /**
   * Sends the close frame and ends the sending side when no message waits to be compressed. The socket stays open for the
   * close frame of the peer, unless that has arrived or the peer sends nothing more. A peer that does not close in time is cut.
   */
  #finish(): void {
    if (this.#deflateQueue?.isEmpty === false) return;
    if (this.#closePayload && !this.#isCloseSent) {
      this.#isCloseSent = true;
      this.#batch.addFrame(FINAL_CLOSE, this.#closePayload);
    }
    this.#batch.flushAll();
    if (this.#frames.isDone || this.#reader.isEnded) this.socket.end();
    this.#closeTimer ??= new CloseTimer(this, this.limits.readTimeout);
  }
}
