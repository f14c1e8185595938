import { constants, inflateRaw, inflateRawSync, type InflateRaw, type ZlibOptions } from 'node:zlib';
import type { FrameErrorCode } from '../framing/frame-error.js';
import { MAX_SYNC_LENGTH } from './max-sync-length.js';
import type { ZlibLimiter } from './zlib-limiter.js';

/**
 * Appended to the data of a message (RFC 7692, section 7.2.2): the end of an empty block, which the sender removed, and an
 * empty final block. zlib then reports an error for data that does not end at the end of a block.
 */
const TAIL = Buffer.from('0000ffff010000ffff', 'hex');

const EMPTY_MESSAGE = Buffer.alloc(0);

/** An inflated message, or the reason why it cannot be inflated. */
export type Inflated = Buffer | Extract<FrameErrorCode, 'INVALID_COMPRESSION' | 'MESSAGE_TOO_LARGE'>;

/** Result of zlib with the option `info`, which the types of Node.js do not contain. */
type WithEngine = { readonly buffer: Buffer; readonly engine: InflateRaw };

/**
 * Inflates the messages of one server. It keeps no state between messages (`client_no_context_takeover`), so connections own
 * nothing that has to be released.
 */
export class Inflater {
  /** @param maxLength Longest inflated message, in bytes. Inflating stops soon after this length is exceeded. */
  constructor(
    private readonly limiter: ZlibLimiter,
    private readonly maxLength: number,
  ) {}

  /** Inflates a message of at most `MAX_SYNC_LENGTH` bytes, compressed and inflated. Returns `undefined` for a longer one. */
  inflateAtOnce(bytes: Buffer, start: number, end: number): Inflated | undefined {
    const length = end - start;
    if (length === 0) return EMPTY_MESSAGE;
    if (length > MAX_SYNC_LENGTH) return undefined;
    const input = withTail(bytes, start, end);
    const maxLength = Math.min(this.maxLength, MAX_SYNC_LENGTH);
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
 * Checks that zlib consumed all of the data. zlib stops early if the sender marked a block as final; then only the byte that
 * the sender has to add may follow (RFC 7692, section 7.2.3.4). Otherwise zlib must have consumed the whole tail: a truncated
 * block would consume a part of it.
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
