import { PayloadView, type Payload } from '../protocol/payload.js';
import type { PayloadCodec } from '../protocol/payload-codec.js';

/** What came with a reply or a signal: bytes, and what they are meant as. `Body` is what a contract says of it. */
export interface ReceivedPayload<Body = unknown> extends Omit<Payload, 'json'> {
  /**
   * What the client's `codec` makes of it, each time anew; by default the text or, if it is binary, the bytes. Throws what
   * the codec throws.
   */
  readonly body: Body;
  /**
   * The text parsed as JSON; that it has the shape is not checked.
   * @throws SyntaxError for invalid JSON.
   */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- spares every caller an assertion
  json<T = Body>(): T;
}

class DecodablePayload extends PayloadView {
  readonly #codec: PayloadCodec;

  constructor({ encoding, bytes }: Payload, codec: PayloadCodec) {
    super(encoding, bytes);
    this.#codec = codec;
  }

  get body(): unknown {
    return this.#codec.decode(this);
  }
}

/** Adds what the client's codec makes of a payload. */
export function receivedPayload(payload: Payload, codec: PayloadCodec): ReceivedPayload {
  return new DecodablePayload(payload, codec);
}
