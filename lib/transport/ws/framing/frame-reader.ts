import { isCloseCode } from './close-code.js';
import type { FrameErrorCode } from './frame-error.js';
import { COMPRESSED } from './frame-header.js';
import { GrowingBuffer } from './growing-buffer.js';
import { unmask } from './unmask.js';

/** Receives what a `FrameReader` reads. Its methods may call `hold()` and `stop()`. */
export interface FrameListener {
  /** A whole message arrived. It stands from `start` to `end` in memory that is not used again. */
  onMessage(bytes: Buffer, start: number, end: number, isBinary: boolean): void;
  /** A whole message arrived that has to be inflated. Never called by a reader that allows no compression. */
  onCompressedMessage(bytes: Buffer, start: number, end: number, isBinary: boolean): void;
  onPing(data: Buffer): void;
  /**
   * The peer closes; nothing more is read.
   * @param payload Its code and reason as they stand in the frame; empty if it gave none.
   */
  onClose(payload: Buffer): void;
  /** The peer broke the protocol; nothing more is read. */
  onFrameError(code: FrameErrorCode): void;
}

/** What a `FrameReader` accepts, in bytes. */
export interface FrameLimits {
  /** Longest message that is not compressed. */
  readonly message: number;
  /** Longest compressed message, before it is inflated. Without it, compression is not allowed. */
  readonly compressed?: number;
}

/** Operation codes (RFC 6455, section 5.2). */
const CONTINUATION = 0x0;
const TEXT = 0x1;
const BINARY = 0x2;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;

const FINAL = 0x80;
const RESERVED = 0x70;
const OPERATION = 0x0f;
const MASKED = 0x80;
const LENGTH = 0x7f;

/** A frame that holds a whole binary message, as nearly all do. */
const FINAL_BINARY = FINAL | BINARY;

const LONGEST_CONTROL_PAYLOAD = 125;
const MASK_LENGTH = 4;
/** Of the upper half of a length; more cannot be told exactly by a number. */
const MAX_UPPER_LENGTH = 0x1f_ffff;
/** Frames of which a message may consist. An empty frame costs its sender 6 bytes, but the reader more than that. */
export const MAX_FRAGMENTS = 16 * 1024;

/** Frames are read. */
const READING = 0;
/** Reading waits until `release()`. */
const HELD = 1;
/** Nothing more is read. */
const DONE = 2;

/**
 * Reads the frames that a client sends (RFC 6455, section 5), compressed ones (RFC 7692, section 6) included:
 *
 *     final(1 bit) · compressed(1) · reserved(2) · operation(4) · masked(1) · length(7) · [length(u16 or u64 BE)] · mask(4) · payload
 *
 * A message that arrived in one piece stays where it is, unmasked in place; any other is put together in memory of its own.
 */
export class FrameReader {
  /** The first part of a frame whose rest has not arrived. */
  #part: GrowingBuffer | undefined;
  /** How long the part has to get before it says more. */
  #needed = 0;
  /** What the first frames of a message in several brought. */
  #message: GrowingBuffer | undefined;
  /** Operation code of that message: 0 outside one. */
  #operation = 0;
  #isCompressed = false;
  #fragments = 0;
  #state: typeof READING | typeof HELD | typeof DONE = READING;

  constructor(
    private readonly listener: FrameListener,
    private readonly limits: FrameLimits,
  ) {}

  /** Whether nothing more is read. */
  get isDone(): boolean {
    return this.#state === DONE;
  }

  /** Stops reading after the current frame. */
  hold(): void {
    if (this.#state === READING) this.#state = HELD;
  }

  /** Lets `read()` go on after `hold()`. */
  release(): void {
    if (this.#state === HELD) this.#state = READING;
  }

  /** Stops reading for good; the bytes that follow are passed over. */
  stop(): void {
    this.#state = DONE;
  }

  /**
   * Reads from `bytes`, which become the reader's: it writes to them, and gives views of them away.
   *
   * @param start Where to begin.
   * @param most Frames to read at most.
   * @returns Where it has got to: the end, unless there are more than `most` frames or the listener called `hold()`.
   */
  read(bytes: Buffer, start: number, most: number): number {
    const { length } = bytes;
    let offset = this.#part ? this.#complete(bytes, start) : start;
    for (let count = 0; count < most && offset < length; count++) {
      if (this.#state !== READING) return this.#state === DONE ? length : offset;
      const end = this.#readFrame(bytes, offset);
      if (end === offset) {
        this.#part = new GrowingBuffer();
        this.#part.append(bytes, offset, length);
        return length;
      }
      offset = end;
    }
    return offset;
  }

  /** Adds to the part of a frame until it is whole, or the bytes are used up. Returns where it has got to. */
  #complete(bytes: Buffer, start: number): number {
    const part = this.#part!;
    let offset = start;
    while (offset < bytes.length) {
      const end = Math.min(offset + this.#needed - part.length, bytes.length);
      part.append(bytes, offset, end);
      offset = end;
      if (part.length < this.#needed) break;
      if (this.#readFrame(part.peek(), 0) === 0) continue;
      this.#part = undefined;
      break;
    }
    return offset;
  }

  /** Reads a frame. Returns where it ends; where it starts if it is not there as a whole, and sets what is needed. */
  #readFrame(bytes: Buffer, start: number): number {
    const available = bytes.length - start;
    if (available < 2) return this.#await(start, 2);
    const first = bytes[start]!;
    const second = bytes[start + 1]!;
    const operation = first & OPERATION;
    if ((first !== FINAL_BINARY || this.#operation !== 0 || second < MASKED) && !this.#isAllowed(first, second)) {
      return this.#fail(bytes, 'INVALID_FRAME');
    }
    let length = second & LENGTH;
    let maskAt = start + 2;
    if (length === 126) {
      if (available < 4) return this.#await(start, 4);
      length = (bytes[maskAt]! << 8) | bytes[maskAt + 1]!;
      maskAt += 2;
    } else if (length === 127) {
      if (available < 10) return this.#await(start, 10);
      const upper = bytes.readUInt32BE(maskAt);
      length = upper > MAX_UPPER_LENGTH ? Infinity : upper * 2 ** 32 + bytes.readUInt32BE(maskAt + 4);
      maskAt += 8;
    }
    const isData = operation < CLOSE;
    const longest = first === FINAL_BINARY ? this.limits.message : this.#longest(first);
    if (isData && length > 0 && length + (this.#message?.length ?? 0) > longest) {
      return this.#fail(bytes, 'MESSAGE_TOO_LARGE');
    }
    const payloadAt = maskAt + MASK_LENGTH;
    const end = payloadAt + length;
    if (end > bytes.length) return this.#await(start, end - start);
    if (length > 0) unmask(bytes, maskAt, payloadAt, end);
    if (first === FINAL_BINARY) this.listener.onMessage(bytes, payloadAt, end, true);
    else if (isData) this.#readData(first, bytes, payloadAt, end);
    else this.#readControl(operation, bytes.subarray(payloadAt, end));
    return end;
  }

  #await(start: number, needed: number): number {
    this.#needed = needed;
    return start;
  }

  /** Longest message that may arrive, given the first byte of one of its frames. */
  #longest(first: number): number {
    const isCompressed = this.#operation === 0 ? (first & COMPRESSED) !== 0 : this.#isCompressed;
    return isCompressed ? this.limits.compressed! : this.limits.message;
  }

  /** Nothing after the mistake counts: the rest of the bytes is passed over. */
  #fail({ length }: Buffer, code: FrameErrorCode): number {
    this.#state = DONE;
    this.listener.onFrameError(code);
    return length;
  }

  /** Whether a frame may begin like this, here. */
  #isAllowed(first: number, second: number): boolean {
    if (second < MASKED || ((first & RESERVED) !== 0 && !this.#mayBeCompressed(first))) return false;
    switch (first & OPERATION) {
      case CONTINUATION:
        return this.#operation !== 0;
      case TEXT:
      case BINARY:
        return this.#operation === 0;
      case CLOSE:
      case PING:
      case PONG: {
        const length = second & LENGTH;
        if (first < FINAL || length > LONGEST_CONTROL_PAYLOAD) return false;
        // A code takes two bytes.
        return length !== 1 || first !== (FINAL | CLOSE);
      }
      default:
        return false;
    }
  }

  /** Only the first frame of a message says that it is compressed, and frames about the connection never are. */
  #mayBeCompressed(first: number): boolean {
    const operation = first & OPERATION;
    return (
      (first & RESERVED) === COMPRESSED &&
      (operation === TEXT || operation === BINARY) &&
      this.limits.compressed !== undefined
    );
  }

  /** Reads a frame of text, of a compressed message, or of a message in several frames. */
  #readData(first: number, bytes: Buffer, start: number, end: number): void {
    const isFinal = first >= FINAL;
    if (this.#operation === 0) {
      if (isFinal) {
        this.#deliver(bytes, start, end, (first & OPERATION) === BINARY, (first & COMPRESSED) !== 0);
        return;
      }
      this.#operation = first & OPERATION;
      this.#isCompressed = (first & COMPRESSED) !== 0;
      this.#message = new GrowingBuffer();
    }
    if (++this.#fragments > MAX_FRAGMENTS) {
      this.#fail(bytes, 'TOO_MANY_FRAGMENTS');
      return;
    }
    this.#message!.append(bytes, start, end);
    if (!isFinal) return;
    const message = this.#message!.take();
    const isBinary = this.#operation === BINARY;
    this.#message = undefined;
    this.#operation = 0;
    this.#fragments = 0;
    this.#deliver(message, 0, message.length, isBinary, this.#isCompressed);
  }

  #deliver(bytes: Buffer, start: number, end: number, isBinary: boolean, isCompressed: boolean): void {
    if (isCompressed) this.listener.onCompressedMessage(bytes, start, end, isBinary);
    else this.listener.onMessage(bytes, start, end, isBinary);
  }

  #readControl(operation: number, payload: Buffer): void {
    if (operation === PING) {
      this.listener.onPing(payload);
    } else if (operation === CLOSE) {
      if (payload.length > 0 && !isCloseCode(payload.readUInt16BE())) {
        this.#fail(payload, 'INVALID_FRAME');
        return;
      }
      this.#state = DONE;
      this.listener.onClose(payload);
    }
  }
}
