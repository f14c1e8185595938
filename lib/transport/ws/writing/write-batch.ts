import type { Socket } from 'node:net';
import { writeHead, writeMessage } from '../../../protocol/encode.js';
import { encodeMessage, type EncodableMessage } from '../../../protocol/index.js';
import { FINAL_BINARY, headerLength, writeHeader } from '../framing/frame-header.js';
import type { Flushable, WriteBufferPool } from './write-buffer-pool.js';

/** What is queued is written when it reaches this size, in bytes, even within a tick. */
const LARGE_BATCH = 64 * 1024;

/** From this length on, in bytes, a message is sent from where it is instead of being copied. */
const LARGE_MESSAGE = 16 * 1024;

const NOTHING = new Uint8Array(0);

/** The frames that go to one connection, until it is time for them to leave: in order, in one write. */
export class WriteBatch implements Flushable {
  /** What comes before the bytes from `start` to `end` of the slab. */
  #pieces: Uint8Array[] | undefined;
  #slab: Buffer | undefined;
  #start = 0;
  #end = 0;
  #size = 0;
  #isWaiting = false;
  /** Whether one of the pieces is memory of the application, which may change it although it should not. */
  #isBorrowing = false;

  /** @param onFailure Called when bytes could not be written, after which the socket is destroyed. */
  constructor(
    private readonly socket: Socket,
    private readonly outgoing: WriteBufferPool,
    private readonly onFailure: (error: unknown) => void,
  ) {}

  /** Bytes that are queued. */
  get size(): number {
    return this.#size;
  }

  /** Queues a message of a known length, which is encoded here, header included. A large payload is not copied. */
  addMessage(message: EncodableMessage, length: number): void {
    const size = headerLength(length) + length;
    if (length < LARGE_MESSAGE) {
      const start = this.#take(size);
      const slab = this.#slab!;
      writeMessage(message, slab, writeHeader(slab, start, FINAL_BINARY, length));
      this.#added(size);
      return;
    }
    const { payload } = message as { payload?: Uint8Array };
    if (payload === undefined) {
      this.addEncoded(encodeMessage(message));
      return;
    }
    const start = this.#take(size - payload.length);
    const slab = this.#slab!;
    writeHead(message, slab, writeHeader(slab, start, FINAL_BINARY, length));
    this.#push(payload);
    this.#isBorrowing = true;
    this.#added(size);
  }

  /** Queues a message that is encoded, and that others may be sending as well. */
  addEncoded(message: Uint8Array): void {
    const { length } = message;
    if (length < LARGE_MESSAGE) {
      this.addPiece(this.outgoing.frame(message));
      return;
    }
    this.addFrame(FINAL_BINARY, message);
  }

  /** Queues a frame. A large payload is not copied. */
  addFrame(firstByte: number, payload: Uint8Array): void {
    const { length } = payload;
    const header = headerLength(length);
    if (length < LARGE_MESSAGE) {
      const start = this.#take(header + length);
      this.#slab!.set(payload, writeHeader(this.#slab!, start, firstByte, length));
    } else {
      const start = this.#take(header);
      writeHeader(this.#slab!, start, firstByte, length);
      this.#push(payload);
    }
    this.#added(header + length);
  }

  /** Queues bytes as they are. */
  addPiece(piece: Uint8Array): void {
    this.#push(piece);
    this.#added(piece.length);
  }

  /** Writes what is queued. */
  flush(): void {
    this.#isWaiting = false;
    const size = this.#size;
    if (size === 0) return;
    try {
      this.#write(size);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Writes what is queued, and calls `done` when all that was written so far has left for the system. */
  drain(done: (error?: Error | null) => void): void {
    this.flush();
    try {
      // The socket's own event `drain` comes only after more has waited than its high-water mark.
      this.socket.write(NOTHING, done);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Nothing can be written any more. */
  discard(): void {
    this.#size = 0;
    this.#isBorrowing = false;
    this.#pieces = undefined;
    this.#slab = undefined;
  }

  /** Bytes may be missing in the middle of a frame: nothing more can be sent. */
  #fail(error: unknown): void {
    this.discard();
    this.socket.destroy();
    this.onFailure(error);
  }

  /** @throws What the socket throws; Error if memory of the application is not what it was when it was queued. */
  #write(size: number): void {
    const { socket } = this;
    // While a write waits for a slow peer, others must not keep a whole slab each alive for the few bytes they take of it.
    const isSlow = socket.writableLength > 0;
    const pieces = this.#pieces;
    const isBorrowing = this.#isBorrowing;
    this.#size = 0;
    this.#isBorrowing = false;
    if (!pieces) {
      const bytes = this.#slab!.subarray(this.#start, this.#end);
      this.#slab = undefined;
      socket.write(isSlow ? Buffer.from(bytes) : bytes);
      return;
    }
    this.#seal(pieces);
    this.#pieces = undefined;
    if (isBorrowing) assertSize(pieces, size);
    if (pieces.length === 1) {
      socket.write(pieces[0]!);
    } else if (size < LARGE_MESSAGE) {
      socket.write(this.#join(pieces, size, isSlow));
    } else {
      socket.cork();
      // The application may reuse its memory before a slow peer has taken it, so that gets a copy.
      for (const piece of pieces) socket.write(isSlow && isBorrowing ? Buffer.from(piece) : piece);
      socket.uncork();
    }
  }

  /** Takes room at the end of the slab: what the batch has there already goes on growing, if nothing came between. */
  #take(size: number): number {
    const { outgoing } = this;
    const start = outgoing.take(size);
    if (start !== this.#end || outgoing.slab !== this.#slab) {
      if (this.#slab) this.#seal((this.#pieces ??= []));
      this.#slab = outgoing.slab;
      this.#start = start;
    }
    this.#end = start + size;
    return start;
  }

  #push(piece: Uint8Array): void {
    this.#pieces ??= [];
    this.#seal(this.#pieces);
    this.#pieces.push(piece);
  }

  #seal(pieces: Uint8Array[]): void {
    if (!this.#slab) return;
    pieces.push(this.#slab.subarray(this.#start, this.#end));
    this.#slab = undefined;
  }

  #added(size: number): void {
    this.#size += size;
    if (this.#size >= LARGE_BATCH) {
      this.flush();
    } else if (!this.#isWaiting) {
      this.#isWaiting = true;
      this.outgoing.flushLater(this);
    }
  }

  #join(pieces: readonly Uint8Array[], size: number, isSlow: boolean): Buffer {
    const { outgoing } = this;
    const start = isSlow ? 0 : outgoing.take(size);
    const target = isSlow ? Buffer.allocUnsafeSlow(size) : outgoing.slab;
    let offset = start;
    for (const piece of pieces) {
      target.set(piece, offset);
      offset += piece.length;
    }
    return target.subarray(start, offset);
  }
}

/** @throws Error if a piece has become shorter since it was queued. */
function assertSize(pieces: readonly Uint8Array[], size: number): void {
  let sum = 0;
  for (const { length } of pieces) sum += length;
  if (sum !== size) throw new Error('bytes were transferred or resized between sending and writing');
}
