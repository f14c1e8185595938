import { isUtf8 } from 'node:buffer';
import type { Socket } from 'node:net';
import type { EncodableMessage } from '../../protocol/index.js';
import type { TransportConnection, TransportHandlers } from '../../server/ports/transport-connection.js';
import { CLOSE_TIMEOUT } from '../close-timeout.js';
import { DeflateQueue } from './deflate/deflate-queue.js';
import type { Inflated, Inflater } from './deflate/inflater.js';
import type { Compression } from './deflate/permessage-deflate.js';
import type { FrameErrorCode } from './framing/frame-error.js';
import { FINAL_CLOSE, FINAL_PING, FINAL_PONG } from './framing/frame-header.js';
import { FrameReader, type FrameListener } from './framing/frame-reader.js';
import { frameViolation, textFrame } from './violations.js';
import { WriteBatch } from './writing/write-batch.js';
import type { WriteBufferPool } from './writing/write-buffer-pool.js';

/** Frames of one connection that are read before it is the turn of others. */
const FRAMES_PER_TURN = 128;

/** What is put together of pieces cannot be longer, in bytes: buffers have an end, and grow to twice their size. */
const LONGEST_MESSAGE = 0x7fff_ffff;

/** Where a socket's events find the transport connection: their listeners are the same for all sockets. */
const CARRIER = Symbol('carrier');

type CarrierSocket = Socket & { [CARRIER]: WebSocketConnection };

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
 * where the socket put them, and what is sent together leaves in one write. While a large message is being inflated, nothing
 * is read, so that messages keep their order.
 */
export class WebSocketConnection implements TransportConnection, FrameListener {
  readonly remoteAddress: string | undefined;
  readonly #reader: FrameReader;
  readonly #batch: WriteBatch;
  readonly #inflater: Inflater | undefined;
  /** Compresses what is sent. Absent if the client did not ask for that. */
  readonly #deflateQueue: DeflateQueue | undefined;
  #listener: TransportHandlers | undefined;
  /** Whether messages may be sent. */
  #isOpen = true;
  /** Payload of the close frame that this side sends, after what is being compressed. */
  #closePayload: Uint8Array | undefined;
  #isCloseSent = false;
  #isCloseReceived = false;
  #isPaused = false;
  #isInflating = false;
  /** Bytes that were read from the socket; their frames are read at another time. */
  #rest: Buffer | undefined;
  #isTurnOver = false;
  /** Whether the peer sends nothing more. */
  #isEndReceived = false;
  /** Whether the socket is closed. */
  #isSocketClosed = false;
  #cutting: NodeJS.Timeout | undefined;

  /**
   * @param response Accepts the upgrade; it is sent with the first messages.
   * @param compression Absent if the client does not get its messages compressed, and must not send any that are.
   */
  constructor(
    private readonly socket: Socket,
    private readonly surroundings: WebSocketSurroundings,
    response: Uint8Array,
    compression?: Compression,
  ) {
    // Unknown once the socket is closed.
    this.remoteAddress = socket.remoteAddress;
    this.#reader = new FrameReader(this, {
      message: Math.min(surroundings.messageBufferSize, LONGEST_MESSAGE),
      compressed: compression && Math.min(compression.maxCompressedLength, LONGEST_MESSAGE),
    });
    this.#batch = new WriteBatch(socket, surroundings.outgoing);
    this.#batch.addPiece(response);
    if (!compression) return;
    this.#inflater = compression.inflater;
    this.#deflateQueue = new DeflateQueue(this.#batch, compression, () => {
      if (!this.#isOpen) this.#finish();
    });
  }

  /**
   * Begins to read.
   * @param head What the client sent right after its upgrade request.
   */
  start(listener: TransportHandlers, head: Buffer): void {
    this.#listener = listener;
    const socket = this.socket as CarrierSocket;
    socket[CARRIER] = this;
    socket.setTimeout(0);
    socket.setNoDelay();
    if (head.length > 0) socket.unshift(head);
    socket.on('close', onClose).on('data', onData).on('end', onEnd).on('error', onError);
  }

  get bytesRead(): number {
    return this.socket.bytesRead;
  }

  get bufferedAmount(): number {
    return this.socket.writableLength + (this.#deflateQueue?.waitingBytes ?? 0);
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
    this.#isPaused = true;
    this.socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#goOn();
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
    this.#isInflating = true;
    this.#reader.hold();
    this.socket.pause();
    this.#inflater!.inflateLater(bytes, start, end, (result) => this.#endInflating(result, isBinary));
  }

  onPing(data: Buffer): void {
    if (!this.#isOpen) return;
    // Whoever pings without reading must not fill the memory with pongs.
    if (this.bufferedAmount > this.surroundings.maxBufferedAmount) this.#listener!.congest();
    else this.#batch.addFrame(FINAL_PONG, data);
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

  /** A client that sends much at once is answered a part of it at a time, in order. */
  read(bytes: Buffer): void {
    const { flushScheduler } = this.surroundings.outgoing;
    flushScheduler.beginRead();
    let end = bytes.length;
    try {
      end = this.#reader.read(bytes, 0, FRAMES_PER_TURN);
    } finally {
      flushScheduler.endRead();
    }
    if (end === bytes.length) return;
    this.#rest = bytes.subarray(end);
    this.socket.pause();
    this.#goOn();
  }

  /** Goes on with what was left for another turn. */
  readRest(): void {
    this.#isTurnOver = false;
    const rest = this.#rest;
    if (this.#isPaused || this.#isInflating || !rest) return;
    this.#rest = undefined;
    this.read(rest);
    if (!this.#rest) this.#goOn();
  }

  /** The peer sends nothing more. */
  end(): void {
    this.#isEndReceived = true;
    this.#readToEnd();
  }

  /** The socket is closed. */
  gone(): void {
    this.#isOpen = false;
    this.#isSocketClosed = true;
    this.#deflateQueue?.discard();
    this.#batch.discard();
    clearTimeout(this.#cutting);
    const unread = this.socket.read() as Buffer | null;
    if (unread) this.#rest = this.#rest ? Buffer.concat([this.#rest, unread]) : unread;
    this.#readToEnd();
  }

  /** Reads on where nothing speaks against it. */
  #goOn(): void {
    if (this.#isPaused || this.#isInflating) return;
    if (this.#rest) this.#takeTurn();
    else this.socket.resume();
  }

  #endInflating(inflated: Inflated, isBinary: boolean): void {
    this.#isInflating = false;
    this.#reader.release();
    const { flushScheduler } = this.surroundings.outgoing;
    flushScheduler.beginRead();
    try {
      this.#onInflated(inflated, isBinary);
    } finally {
      flushScheduler.endRead();
    }
    if (this.#isEndReceived || this.#isSocketClosed) this.#readToEnd();
    else this.#goOn();
  }

  #onInflated(inflated: Inflated, isBinary: boolean): void {
    if (typeof inflated === 'string') {
      this.#reader.stop();
      this.onFrameError(inflated);
    } else {
      this.onMessage(inflated, 0, inflated.length, isBinary);
    }
  }

  /** Reads what arrived before the end, although reading may have stopped: it counts. Then the connection ends. */
  #readToEnd(): void {
    while (this.#rest && !this.#isInflating) {
      const rest = this.#rest;
      const end = this.#reader.read(rest, 0, Infinity);
      this.#rest = end < rest.length ? rest.subarray(end) : undefined;
    }
    if (this.#isInflating) return;
    if (this.#isSocketClosed) {
      this.#listener!.closed(this.#isCloseReceived);
    } else {
      this.#isOpen = false;
      this.#finish();
    }
  }

  #sendClose(payload: Uint8Array): void {
    this.#isOpen = false;
    this.#closePayload = payload;
    this.#finish();
    this.resume();
  }

  /**
   * Ends the sending once nothing waits for compression: called again then. The answer to a close frame has to be read, unless
   * it came first, or nothing can be read any more. The peer may still read what is on its way, or not: it is not waited for
   * for ever.
   */
  #finish(): void {
    if (this.#deflateQueue?.isEmpty === false) return;
    if (this.#closePayload && !this.#isCloseSent) {
      this.#isCloseSent = true;
      this.#batch.addFrame(FINAL_CLOSE, this.#closePayload);
    }
    this.#batch.flush();
    if (this.#reader.isDone || this.#isEndReceived) this.socket.end();
    this.#cutLater();
  }

  /** Gives up on a peer that does not do its part in closing. */
  #cutLater(): void {
    this.#cutting ??= setTimeout(() => this.socket.destroy(), CLOSE_TIMEOUT);
  }

  #takeTurn(): void {
    if (this.#isTurnOver) return;
    this.#isTurnOver = true;
    setImmediate(readRest, this);
  }
}

function onData(this: CarrierSocket, bytes: Buffer): void {
  this[CARRIER].read(bytes);
}

function onEnd(this: CarrierSocket): void {
  this[CARRIER].end();
}

function onError(this: CarrierSocket): void {
  this.destroy();
}

function onClose(this: CarrierSocket): void {
  this[CARRIER].gone();
}

function readRest(transportConnection: WebSocketConnection): void {
  transportConnection.readRest();
}

const NOTHING = new Uint8Array(0);
