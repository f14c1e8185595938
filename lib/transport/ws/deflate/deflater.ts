import { constants, deflateRaw, deflateRawSync, type ZlibOptions } from 'node:zlib';
import type { ZlibLimiter } from './zlib-limiter.js';

/** Length of the end of an empty block, which zlib adds and which is not sent (RFC 7692, section 7.2.1), in bytes. */
const TAIL_LENGTH = 4;

/** A compressed message. `undefined` if it would not be shorter, so that it is sent uncompressed. */
export type Deflated = Uint8Array | undefined;

/**
 * Compresses messages for all connections of a server that use the same window size. It keeps no state between messages
 * (`server_no_context_takeover`), so a broadcast is compressed once, and connections own nothing that has to be released.
 */
export class Deflater {
  readonly #options: ZlibOptions;
  /** The last message that was compressed synchronously, and the result: a broadcast sends the same message many times. */
  #last: Uint8Array | undefined;
  #lastDeflated: Deflated;
  /** Messages that are being compressed on other threads, and the callbacks of each. */
  readonly #running = new Map<Uint8Array, ((deflated: Deflated) => void)[]>();

  /** @param windowBits Base-2 logarithm of the window size in bytes: 9 to 15. */
  constructor(
    private readonly limiter: ZlibLimiter,
    windowBits: number,
  ) {
    this.#options = { windowBits, finishFlush: constants.Z_SYNC_FLUSH };
  }

  /** Compresses a message of at most `MAX_SYNC_LENGTH` bytes. */
  deflateAtOnce(message: Uint8Array): Deflated {
    if (message !== this.#last) {
      this.#lastDeflated = deflateSync(message, this.#options);
      this.#last = message;
    }
    return this.#lastDeflated;
  }

  /** Compresses a message on another thread. `done` is called once, later, and must not throw. */
  deflateLater(message: Uint8Array, done: (deflated: Deflated) => void): void {
    const running = this.#running.get(message);
    if (running) {
      running.push(done);
      return;
    }
    const callbacks = [done];
    this.#running.set(message, callbacks);
    this.limiter.run((release) => {
      deflateRaw(message, this.#options, (error, bytes) => {
        release();
        this.#running.delete(message);
        const deflated = error ? undefined : ifShorter(bytes, message);
        for (const callback of callbacks) callback(deflated);
      });
    });
  }
}

/** zlib fails only if it cannot allocate its state. Then the message is sent uncompressed. */
function deflateSync(message: Uint8Array, options: ZlibOptions): Deflated {
  try {
    return ifShorter(deflateRawSync(message, options), message);
  } catch {
    return undefined;
  }
}

function ifShorter(bytes: Uint8Array, message: Uint8Array): Deflated {
  const length = bytes.length - TAIL_LENGTH;
  return length < message.length ? bytes.subarray(0, length) : undefined;
}
