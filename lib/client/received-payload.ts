import { PayloadView, type Payload } from '../protocol/payload.js';
import type { PayloadCodec } from '../protocol/payload-codec.js';

/** The payload of a reply or a signal. `Body` is the type of its body in the contract. */
export interface ReceivedPayload<Body = unknown> extends Omit<Payload, 'json'> {
  /**
   * The payload as decoded by the client's `codec`: by default a string or, if it is binary, a `Uint8Array`. Each access decodes
   * it again.
   * @throws Errors of the codec.
   */
  readonly body: Body;
  /**
   * Parses the text as JSON. It is not checked that the value has the type.
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

/** Adds the property `body`. */
export function receivedPayload(payload: Payload, codec: PayloadCodec): ReceivedPayload {
  return new DecodablePayload(payload, codec);
}
