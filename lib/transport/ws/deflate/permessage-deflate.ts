import { Deflater } from './deflater.js';
import { Inflater } from './inflater.js';
import { chooseOffer, parseExtensions } from './negotiation.js';
import { ZlibLimiter } from './zlib-limiter.js';

/** What the connections of one client and one server do to compressed messages. */
export interface Compression {
  readonly inflater: Inflater;
  readonly deflater: Deflater;
  /** Size from which messages are compressed, in bytes. */
  readonly threshold: number;
  /** Longest message before it is inflated, in bytes. */
  readonly maxCompressedLength: number;
}

/** The compression that was agreed on, and the value of the header that says so. */
export interface Agreement {
  readonly compression: Compression;
  readonly header: string;
}

/**
 * permessage-deflate (RFC 7692) for one server. It stands on `node:zlib`, not on the `PerMessageDeflate` of `ws`: that one
 * throws where nobody can catch it when a connection ends while it inflates, and keeps some 300 kB for each connection.
 */
export class PermessageDeflate {
  readonly #inflater: Inflater;
  readonly #deflaters = new Map<number, Deflater>();

  /**
   * @param threshold Size from which messages are compressed, in bytes.
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
   * Answers what a client asks for.
   * @param header Value of its `Sec-WebSocket-Extensions`.
   * @returns `undefined` if the client does not ask for compression, or not for one that there is; `'malformed'` for a header
   *   that breaks the syntax.
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
 * How long a message may get by compression that finds nothing to compress, in bytes, as zlib estimates it for the worst of
 * its settings.
 */
function longestCompressed(length: number): number {
  return length + Math.ceil(length / 8) + Math.ceil(length / 64) + 16;
}
