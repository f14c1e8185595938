import { writeHead, writeMessage } from '../../../protocol/encode.js';
import { encodeMessage, type EncodableMessage } from '../../../protocol/index.js';
import { FINAL_BINARY, headerLength, writeHeader } from '../framing/frame-header.js';
import { GrowingBuffer } from '../framing/growing-buffer.js';
import type { Flushable, WriteBufferPool } from './write-buffer-pool.js';
import type { UpgradedSocket } from '../upgraded-socket.js';

/** A batch of this size is written at once, in bytes. */
const LARGE_BATCH = 64 * 1024;

/** Shortest message that is written without being copied, in bytes. */
const LARGE_MESSAGE = 16 * 1024;

/**
 * While this much waits in a socket, small batches are joined instead of being written, in bytes. Each write that waits takes some
 * 300 bytes of memory, which is many times the length of a small message.
 */
const MUCH_WAITING = 16 * 1024;

const NO_BYTES = new Uint8Array(0);

/** Collects the frames for one connection, and writes them to its socket in order, in one write. */
export class WriteBatch implements Flushable {
  /** Parts of the batch that precede the bytes from `#start` to `#end` of the slab. */
  #pieces: Uint8Array[] | undefined;
  #slab: Buffer | undefined;
  #start = 0;
  #end = 0;
  #size = 0;
  #isWaiting = false;
  /** `true` if a piece is memory of the application, which might change it although it must not. */
  #isBorrowing = false;
  /** Copies of earlier batches that wait until a slow peer has taken the data before them. */
  #held: GrowingBuffer | undefined;
  #isReleaseDue = false;
  /** Bytes that waited in the socket when its `writableLength` was last read. */
  #unwritten = 0;

  /** @param onFailure Called when a write failed and the socket has been destroyed. */
  constructor(
    private readonly socket: UpgradedSocket,
    private readonly pool: WriteBufferPool,
    private readonly onFailure: (error: unknown) => void,
  ) {}

  /** Bytes that wait to be written, in the batch and in the socket. */
  get bufferedAmount(): number {
    return this.#size + (this.#held?.length ?? 0) + this.#waitingInSocket();
  }

  /** Encodes a message of a known length into a frame. Does not copy a large payload. */
  addMessage(message: EncodableMessage, length: number): void {
    const size = headerLength(length) + length;
    if (length < LARGE_MESSAGE) {
      const start = this.#take(size);
      const slab = this.#slab!;
      writeMessage(message, slab, writeHeader(slab, start, FINAL_BINARY, length));
      this.#queued(size);
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
    this.#queued(size);
  }

  /** Adds an encoded message, which other connections may be sending as well. */
  addEncoded(message: Uint8Array): void {
    const { length } = message;
    if (length < LARGE_MESSAGE) {
      this.addPiece(this.pool.frame(message));
      return;
    }
    this.addFrame(FINAL_BINARY, message);
  }

  /** Adds a frame. Does not copy a large payload. */
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
    this.#queued(header + length);
  }

  /** Adds bytes as they are. */
  addPiece(piece: Uint8Array): void {
    this.#push(piece);
    this.#queued(piece.length);
  }

  /** Writes the batch to the socket, or joins it with others if the socket is slow. */
  flush(): void {
    this.#isWaiting = false;
    const size = this.#size;
    if (size === 0) return;
    try {
      if (size < LARGE_MESSAGE && this.#waitingInSocket() >= MUCH_WAITING) this.#hold();
      else this.#write(size);
      this.#unwritten = this.socket.writableLength;
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Writes everything to the socket, however slow it is. */
  flushAll(): void {
    this.flush();
    try {
      this.#writeHeld();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Writes everything, and calls `done` when the operating system has accepted everything written so far. */
  drain(done: (error?: Error | null) => void): void {
    this.flushAll();
    this.#afterWrites(done);
  }

  /** Drops the batch: nothing can be written any more. */
  discard(): void {
    this.#size = 0;
    this.#isBorrowing = false;
    this.#pieces = undefined;
    this.#slab = undefined;
    this.#held = undefined;
  }

  /** Calls `done` when the operating system has accepted everything written so far. */
  #afterWrites(done: (error?: Error | null) => void): void {
    try {
      // The socket emits `drain` only after its buffer has exceeded the high-water mark.
      this.socket.write(NO_BYTES, done);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Moves the batch to the held ones. */
  #hold(): void {
    // So that the memory of `GrowingBuffer`, which doubles, is used up.
    if (this.#held && this.#held.length + this.#size > LARGE_BATCH) this.#writeHeld();
    const held = (this.#held ??= new GrowingBuffer());
    for (const piece of this.#pieces ?? []) held.append(piece, 0, piece.length);
    if (this.#slab) held.append(this.#slab, this.#start, this.#end);
    this.#size = 0;
    this.#pieces = undefined;
    this.#slab = undefined;
    if (this.#isReleaseDue) return;
    this.#isReleaseDue = true;
    this.#afterWrites((error) => this.#release(error));
  }

  #release(error?: Error | null): void {
    this.#isReleaseDue = false;
    if (!error) this.flushAll();
  }

  #writeHeld(): void {
    const held = this.#held;
    this.#held = undefined;
    if (!held) return;
    this.socket.write(held.take());
    this.#unwritten = this.socket.writableLength;
  }

  /**
   * Only this batch writes to the socket, so if nothing waits there, nothing does until the next write. Reading `writableLength`
   * for each message is slow: the state of a stream is rarely in the processor's cache.
   */
  #waitingInSocket(): number {
    if (this.#unwritten > 0) this.#unwritten = this.socket.writableLength;
    return this.#unwritten;
  }

  /** A frame may be incomplete, so nothing that follows could be read by the peer. */
  #fail(error: unknown): void {
    this.discard();
    this.socket.destroy();
    this.onFailure(error);
  }

  /** @throws Error if the socket throws, or memory of the application was transferred or resized after it was added. */
  #write(size: number): void {
    const { socket } = this;
    this.#writeHeld();
    // A write that waits for a slow peer must not keep a whole slab alive for a few bytes, so it gets a copy.
    const isSlow = this.#waitingInSocket() > 0;
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
      // The application may reuse its memory before a slow peer has read it, so that is copied.
      for (const piece of pieces) socket.write(isSlow && isBorrowing ? Buffer.from(piece) : piece);
      socket.uncork();
    }
  }

  /** Reserves bytes of the slab. If they directly follow those of this batch, both stay one piece. */
  #take(size: number): number {
    const { pool } = this;
    const start = pool.take(size);
    if (start !== this.#end || pool.slab !== this.#slab) {
      if (this.#slab) this.#seal((this.#pieces ??= []));
      this.#slab = pool.slab;
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

  #queued(size: number): void {
    this.#size += size;
    if (this.#size >= LARGE_BATCH) {
      this.flush();
    } else if (!this.#isWaiting) {
      this.#isWaiting = true;
      this.pool.flushLater(this);
    }
  }

  #join(pieces: readonly Uint8Array[], size: number, isSlow: boolean): Buffer {
    const { pool } = this;
    const start = isSlow ? 0 : pool.take(size);
    const target = isSlow ? Buffer.allocUnsafeSlow(size) : pool.slab;
    let offset = start;
    for (const piece of pieces) {
      target.set(piece, offset);
      offset += piece.length;
    }
    return target.subarray(start, offset);
  }
}

/** @throws Error if a piece has become shorter since it was added. */
function assertSize(pieces: readonly Uint8Array[], size: number): void {
  let sum = 0;
  for (const { length } of pieces) sum += length;
  if (sum !== size) throw new Error('bytes were transferred or resized between sending and writing');
}
