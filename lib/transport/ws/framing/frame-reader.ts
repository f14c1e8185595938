import type { ProtocolError } from '../../../protocol/index.js';
import { GrowingBuffer } from './growing-buffer.js';
import { isCloseCode } from './close-code.js';
import { unmask } from './unmask.js';
import { invalidFrame, tooLarge } from '../violations.js';

/** What a `FrameReader` finds. */
export interface FrameListener {
  /** A whole message, which stands from `start` to `end` in memory that is not used again. */
  onMessage(bytes: Buffer, start: number, end: number, isBinary: boolean): void;
  onPing(data: Buffer): void;
  /**
   * The peer closes; nothing more is read.
   * @param payload Its code and reason as they stand in the frame; empty if it gave none.
   */
  onClose(payload: Buffer): void;
  /** A frame that must not be; nothing more is read. */
  onViolation(error: ProtocolError): void;
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
/** Frames of one message. */
const MAX_FRAGMENTS = 16 * 1024;

/**
 * Reads the frames that a client sends (RFC 6455, section 5), without extensions:
 *
 *     final(1 bit) · reserved(3) · operation(4) · masked(1) · length(7) · [length(u16 or u64 BE)] · mask(4) · payload
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
  /** What kind of message that is: 0 outside one. */
  #operation = 0;
  #fragments = 0;
  #isDone = false;

  /** @param maxLength Of a message, in bytes. */
  constructor(
    private readonly listener: FrameListener,
    private readonly maxLength: number,
  ) {}

  /** Whether nothing more is read. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /**
   * Reads from `bytes`, which become the reader's: it writes to them, and gives views of them away.
   *
   * @param start Where to begin.
   * @param most Frames to read at most.
   * @returns Where it has got to, the end unless there were more frames.
   */
  read(bytes: Buffer, start: number, most: number): number {
    const { length } = bytes;
    let offset = this.#part ? this.#complete(bytes, start) : start;
    for (let count = 0; count < most && offset < length; count++) {
      if (this.#isDone) return length;
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
      return this.#violate(bytes, invalidFrame());
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
    if (isData && length > 0 && length + (this.#message?.length ?? 0) > this.maxLength) {
      return this.#violate(bytes, tooLarge(this.maxLength));
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

  /** Nothing after it counts: the rest of the bytes is passed over. */
  #violate({ length }: Buffer, error: ProtocolError): number {
    this.#isDone = true;
    this.listener.onViolation(error);
    return length;
  }

  /** Whether a frame may begin like this, here. */
  #isAllowed(first: number, second: number): boolean {
    if ((first & RESERVED) !== 0 || second < MASKED) return false;
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

  /** A frame of text, or of a message in several. */
  #readData(first: number, bytes: Buffer, start: number, end: number): void {
    const operation = this.#operation || first & OPERATION;
    const isFinal = first >= FINAL;
    if (isFinal && this.#operation === 0) {
      this.listener.onMessage(bytes, start, end, operation === BINARY);
      return;
    }
    this.#operation = operation;
    this.#message ??= new GrowingBuffer();
    this.#message.append(bytes, start, end);
    if (++this.#fragments > MAX_FRAGMENTS) {
      this.#violate(bytes, invalidFrame());
      return;
    }
    if (!isFinal) return;
    const message = this.#message.take();
    this.#message = undefined;
    this.#operation = 0;
    this.#fragments = 0;
    this.listener.onMessage(message, 0, message.length, operation === BINARY);
  }

  #readControl(operation: number, payload: Buffer): void {
    if (operation === PING) {
      this.listener.onPing(payload);
    } else if (operation === CLOSE) {
      if (payload.length > 0 && !isCloseCode(payload.readUInt16BE())) {
        this.#violate(payload, invalidFrame());
        return;
      }
      this.#isDone = true;
      this.listener.onClose(payload);
    }
  }
}
