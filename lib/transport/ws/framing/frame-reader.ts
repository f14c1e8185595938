import { isCloseCode } from './close-code.js';
import type { FrameErrorCode } from './frame-error.js';
import { COMPRESSED, FINAL_BINARY } from './frame-header.js';
import { GrowingBuffer, MAX_LENGTH } from './growing-buffer.js';
import { unmask } from './unmask.js';

/** Receives the messages and control frames that a `FrameReader` reads. Its methods may call `hold()` and `stop()`. */
export interface FrameListener {
  /** A whole message arrived: the bytes from `start` to `end`. The memory is not used again. */
  onMessage(bytes: Buffer, start: number, end: number, isBinary: boolean): void;
  /** A whole compressed message arrived. Never called if `FrameLimits.compressed` is absent. */
  onCompressedMessage(bytes: Buffer, start: number, end: number, isBinary: boolean): void;
  onPing(data: Buffer): void;
  /**
   * A close frame arrived. The reader ignores everything after it.
   * @param payload Code and reason as in the frame. Empty if the peer gave none.
   */
  onClose(payload: Buffer): void;
  /** The peer broke the protocol. The reader ignores everything after it. */
  onFrameError(code: FrameErrorCode): void;
  /** Frames that have arrived cannot be read any more. The reader ignores everything after them. */
  onMemoryLost(): void;
}

/** Limits of what a `FrameReader` accepts, in bytes. */
export interface FrameLimits {
  /** Longest uncompressed message. */
  readonly message: number;
  /** Longest compressed message, before it is inflated. Absent if compression is not allowed. */
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

const MAX_CONTROL_PAYLOAD = 125;
const MASK_LENGTH = 4;
/** Largest upper half of a 64-bit length that a number can represent exactly. */
const MAX_UPPER_LENGTH = 0x1f_ffff;
/** Most frames in one message. An empty frame costs its sender 6 bytes, and the reader more than that. */
const MAX_FRAGMENTS = 16 * 1024;

/** `read()` reads frames. */
const READING = 0;
/** `read()` stops at the next frame, until `release()`. */
const HELD = 1;
/** `read()` skips all bytes. */
const DONE = 2;

/**
 * Reads the frames that a client sends (RFC 6455, section 5), compressed ones (RFC 7692, section 6) included:
 *
 *     final(1 bit) · compressed(1) · reserved(2) · operation(4) · masked(1) · length(7) · [length(u16 or u64 BE)] · mask(4) · payload
 *
 * A message that arrived in one piece is unmasked in place and not copied. Any other message is assembled in new memory.
 */
export class FrameReader {
  /** First part of a frame of which the rest has not arrived. */
  #part: GrowingBuffer | undefined;
  /** Length that the part needs before it is worth reading again, in bytes. */
  #needed = 0;
  /** Payload of the frames so far of a fragmented message. */
  #message: GrowingBuffer | undefined;
  /** Operation code of the fragmented message. 0 if there is none. */
  #operation = 0;
  #isCompressed = false;
  #fragments = 0;
  #state: typeof READING | typeof HELD | typeof DONE = READING;

  readonly #maxLength: number;
  /** Absent if compression is not allowed. */
  readonly #maxCompressedLength: number | undefined;

  constructor(
    private readonly listener: FrameListener,
    { message, compressed }: FrameLimits,
  ) {
    this.#maxLength = Math.min(message, MAX_LENGTH);
    this.#maxCompressedLength = compressed === undefined ? undefined : Math.min(compressed, MAX_LENGTH);
  }

  /** `true` if everything that follows is ignored: after a close frame, an error or `stop()`. */
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

  /** Stops reading for good: the bytes that follow are skipped. */
  stop(): void {
    this.#state = DONE;
  }

  /** Stops reading for good, as bytes that were not read yet have lost their memory. */
  loseMemory(): void {
    if (this.#state === DONE) return;
    this.#state = DONE;
    this.listener.onMemoryLost();
  }

  /**
   * Reads frames from `bytes`. The caller must not use `bytes` afterwards: the reader unmasks in place, and the listener may
   * keep views.
   *
   * @param start Offset of the first frame.
   * @param most Largest number of frames to read.
   * @returns Offset of the first byte that was not read: the length, unless `bytes` contains more than `most` frames or the
   *   listener called `hold()`.
   */
  read(bytes: Buffer, start: number, most: number): number {
    const { length } = bytes;
    let offset = this.#part ? this.#complete(bytes, start) : start;
    for (let count = 0; count < most && offset < length; count++) {
      if (this.#state !== READING) return this.#state === DONE ? length : offset;
      const end = this.#readFrame(bytes, offset);
      // The receiver of a message may have transferred its memory, in which other frames follow.
      if (end < length && bytes.length !== length) {
        this.loseMemory();
        return length;
      }
      if (end === offset) {
        this.#part = new GrowingBuffer();
        this.#part.append(bytes, offset, length);
        return length;
      }
      offset = end;
    }
    return offset;
  }

  /** Appends to the part of a frame until the frame is complete or the bytes end. Returns the offset after the last byte used. */
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

  /** Reads a frame and returns its end. Returns `start` and sets `#needed` if the frame is incomplete. */
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
    const longest = first === FINAL_BINARY ? this.#maxLength : this.#longest(first);
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

  /** Longest message allowed, given the first byte of one of its frames. */
  #longest(first: number): number {
    const isCompressed = this.#operation === 0 ? (first & COMPRESSED) !== 0 : this.#isCompressed;
    return isCompressed ? this.#maxCompressedLength! : this.#maxLength;
  }

  /** Reports the error and skips the rest of the bytes. */
  #fail({ length }: Buffer, code: FrameErrorCode): number {
    this.#state = DONE;
    this.listener.onFrameError(code);
    return length;
  }

  /** Returns `true` if the first two bytes of a frame are valid at this point. */
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
        if (first < FINAL || length > MAX_CONTROL_PAYLOAD) return false;
        // A close code has two bytes.
        return length !== 1 || first !== (FINAL | CLOSE);
      }
      default:
        return false;
    }
  }

  /** Only the first frame of a message may have the bit set, and no control frame (RFC 7692, section 6). */
  #mayBeCompressed(first: number): boolean {
    const operation = first & OPERATION;
    return (
      (first & RESERVED) === COMPRESSED &&
      (operation === TEXT || operation === BINARY) &&
      this.#maxCompressedLength !== undefined
    );
  }

  /** Reads a frame of a text, compressed or fragmented message. */
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
