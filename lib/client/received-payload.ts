import { Payload } from '../protocol/index.js';
import type { PayloadCodec } from '../protocol/payload-codec.js';

/** What came with a reply or a signal: bytes, and what they are meant as. `Body` is what a contract says of it. */
export class ReceivedPayload<Body = unknown> extends Payload {
  readonly #codec: PayloadCodec;

  /** Made by the client. @internal */
  constructor({ encoding, bytes }: Payload, codec: PayloadCodec) {
    super(encoding, bytes);
    this.#codec = codec;
  }

  /**
   * What the client's `codec` makes of it, each time anew; by default the text or, if it is binary, the bytes. Throws what
   * the codec throws.
   */
  get body(): Body {
    return this.#codec.decode(this) as Body;
  }

  /**
   * The text parsed as JSON; that it has the shape is not checked.
   * @throws SyntaxError for invalid JSON.
   */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- spares every caller an assertion
  override json<T = Body>(): T {
    return super.json<T>();
  }
}
