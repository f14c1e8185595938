import { constants, inflateRaw, inflateRawSync, type InflateRaw, type ZlibOptions } from 'node:zlib';
import type { FrameErrorCode } from '../framing/frame-error.js';
import { AT_ONCE } from './at-once.js';
import type { ZlibLimiter } from './zlib-limiter.js';

/**
 * Stands behind the data of a message for zlib (RFC 7692, section 7.2.2): the end of an empty block, which the sender left
 * away, and an empty block that is the last one. Only data that ends where a block ends is inflated without an error.
 */
const TAIL = Buffer.from('0000ffff010000ffff', 'hex');

const EMPTY = Buffer.alloc(0);

/** An inflated message, or why there is none. */
export type Inflated = Buffer | Extract<FrameErrorCode, 'INVALID_COMPRESSION' | 'MESSAGE_TOO_LARGE'>;

/** With `info`, zlib also gives the object that did the work. The types of Node.js leave that out. */
type WithEngine = { readonly buffer: Buffer; readonly engine: InflateRaw };

/**
 * Inflates the messages of one server. No state is kept from message to message (`client_no_context_takeover`), so there is
 * nothing to release when a connection ends.
 */
export class Inflater {
  /** @param maxLength Longest message once it is inflated, in bytes. Inflating ends soon after it is exceeded. */
  constructor(
    private readonly limiter: ZlibLimiter,
    private readonly maxLength: number,
  ) {}

  /** Inflates a message that is small, before and after. Returns `undefined` if it is not: `inflateLater()` is for those. */
  inflateAtOnce(bytes: Buffer, start: number, end: number): Inflated | undefined {
    const length = end - start;
    if (length === 0) return EMPTY;
    if (length > AT_ONCE) return undefined;
    const input = withTail(bytes, start, end);
    const maxLength = Math.min(this.maxLength, AT_ONCE);
    try {
      return complete(inflateRawSync(input, optionsFor(maxLength)) as unknown as WithEngine, input);
    } catch (error) {
      return isTooLarge(error) && maxLength < this.maxLength ? undefined : failure(error);
    }
  }

  /** Inflates a message on another thread. `done` is called once, later, and must not throw. */
  inflateLater(bytes: Buffer, start: number, end: number, done: (result: Inflated) => void): void {
    const input = withTail(bytes, start, end);
    this.limiter.run((release) => {
      inflateRaw(input, optionsFor(this.maxLength), (error, result) => {
        release();
        done(error ? failure(error) : complete(result as unknown as WithEngine, input));
      });
    });
  }
}

function withTail(bytes: Buffer, start: number, end: number): Buffer {
  const length = end - start;
  const input = Buffer.allocUnsafe(length + TAIL.length);
  input.set(bytes.subarray(start, end));
  input.set(TAIL, length);
  return input;
}

function optionsFor(maxOutputLength: number): ZlibOptions {
  return { maxOutputLength, info: true, finishFlush: constants.Z_FINISH };
}

/**
 * Checks that zlib used all of the data. It stops earlier if a sender marked a block as its last one; then nothing may follow
 * but the byte that the sender has to add (RFC 7692, section 7.2.3.4). What zlib used of the tail must be all of it: a block
 * that was cut off would take a part of the tail for its own.
 */
function complete({ buffer, engine }: WithEngine, input: Buffer): Inflated {
  const used = engine.bytesWritten;
  const length = input.length - TAIL.length;
  const isWhole = used === input.length || used === length || (used === length - 1 && input[used] === 0);
  return isWhole ? buffer : 'INVALID_COMPRESSION';
}

function failure(error: unknown): Inflated {
  return isTooLarge(error) ? 'MESSAGE_TOO_LARGE' : 'INVALID_COMPRESSION';
}

function isTooLarge(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
}
