import { Deflater } from './deflater.js';
import { Inflater } from './inflater.js';
import { chooseOffer, parseExtensions } from './negotiation.js';
import { ZlibLimiter } from './zlib-limiter.js';

/** Compression of the messages of one connection. */
export interface Compression {
  readonly inflater: Inflater;
  readonly deflater: Deflater;
  /** Length of the shortest message that is compressed, in bytes. */
  readonly threshold: number;
  /** Longest compressed message that is accepted, in bytes. */
  readonly maxCompressedLength: number;
}

/** The negotiated compression, and the value of `Sec-WebSocket-Extensions` in the response. */
export interface Agreement {
  readonly compression: Compression;
  readonly header: string;
}

/**
 * permessage-deflate (RFC 7692) for one server. It uses `node:zlib` and not the `PerMessageDeflate` of `ws`, which throws an
 * uncaught exception if a connection ends while it inflates, and uses about 300 kB for each connection.
 */
export class PermessageDeflate {
  readonly #inflater: Inflater;
  readonly #deflaters = new Map<number, Deflater>();

  /**
   * @param threshold Length of the shortest message that is compressed, in bytes.
   * @param messageBufferSize Longest message, in bytes.
   */
  constructor(
    private readonly limiter: ZlibLimiter,
    private readonly threshold: number,
    private readonly messageBufferSize: number,
  ) {
    this.#inflater = new Inflater(limiter, messageBufferSize);
  }

  /**
   * Negotiates the compression with a client.
   * @param header Value of `Sec-WebSocket-Extensions` in the request.
   * @returns `undefined` if the client does not offer a compression that the server supports; `'malformed'` for a malformed
   *   header.
   */
  accept(header: string | undefined): Agreement | 'malformed' | undefined {
    if (header === undefined) return undefined;
    const offers = parseExtensions(header);
    if (!offers) return 'malformed';
    const choice = chooseOffer(offers);
    return choice && { header: choice.header, compression: this.#compression(choice.windowBits) };
  }

  #compression(windowBits: number): Compression {
    const deflater = this.#deflaters.get(windowBits) ?? new Deflater(this.limiter, windowBits);
    this.#deflaters.set(windowBits, deflater);
    return {
      deflater,
      inflater: this.#inflater,
      threshold: this.threshold,
      maxCompressedLength: longestCompressed(this.messageBufferSize),
    };
  }
}

/**
 * Largest compressed length of a message of `length` bytes, for data that cannot be compressed: the estimate of zlib for its
 * worst settings.
 */
function longestCompressed(length: number): number {
  return length + Math.ceil(length / 8) + Math.ceil(length / 64) + 16;
}
