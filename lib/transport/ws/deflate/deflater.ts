import { constants, deflateRaw, deflateRawSync, type ZlibOptions } from 'node:zlib';
import type { ZlibLimiter } from './zlib-limiter.js';

/** A message ends with an empty block, whose last bytes are not sent (RFC 7692, section 7.2.1). */
const TAIL_LENGTH = 4;

/** A compressed message; `undefined` if it would not be shorter, so that it is sent as it is. */
export type Deflated = Uint8Array | undefined;

/**
 * Compresses messages for all connections of a server that agreed on the same window. No state is kept from message to
 * message (`server_no_context_takeover`), so a message that goes to many is compressed once, and there is nothing to release
 * when a connection ends.
 */
export class Deflater {
  readonly #options: ZlibOptions;
  /** The last message that was compressed at once, and what came of it: others may be about to send the same one. */
  #last: Uint8Array | undefined;
  #lastDeflated: Deflated;
  /** Messages that are being compressed on other threads, and the callbacks that wait for each. */
  readonly #running = new Map<Uint8Array, ((deflated: Deflated) => void)[]>();

  /** @param windowBits The receiver looks back as many bytes as this power of two says: 9 to 15. */
  constructor(
    private readonly limiter: ZlibLimiter,
    windowBits: number,
  ) {
    this.#options = { windowBits, finishFlush: constants.Z_SYNC_FLUSH };
  }

  /** Compresses a message of at most 16 KiB. */
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
        const deflated = error ? undefined : worthwhile(bytes, message);
        for (const callback of callbacks) callback(deflated);
      });
    });
  }
}

/** zlib fails only where there is no memory for its state: then the message is sent as it is. */
function deflateSync(message: Uint8Array, options: ZlibOptions): Deflated {
  try {
    return worthwhile(deflateRawSync(message, options), message);
  } catch {
    return undefined;
  }
}

function worthwhile(bytes: Uint8Array, message: Uint8Array): Deflated {
  const length = bytes.length - TAIL_LENGTH;
  return length < message.length ? bytes.subarray(0, length) : undefined;
}
