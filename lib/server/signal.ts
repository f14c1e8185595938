import { assertUnreserved } from '../protocol/extensions.js';
import { encodeMessage, signalType, type EncodableMessage } from '../protocol/index.js';
import type { PayloadCodec } from '../protocol/payload-codec.js';
import { toPayload } from './to-payload.js';

/**
 * Makes a signal (docs/PROTOCOL.md, section 5).
 * @param body As for `connection.signal()`.
 * @throws ProtocolError for a reserved name.
 * @throws TypeError for a body that cannot be encoded, a promise or an Observable; any error that the codec throws.
 */
export function signalOf(name: string, body: unknown, codec: PayloadCodec): EncodableMessage {
  assertUnreserved(name);
  const { encoding, bytes } = toPayload(body, codec);
  return { type: signalType(encoding), name, payload: bytes };
}

/**
 * Encodes a signal, for one client or for many.
 * @param body As for `connection.signal()`.
 * @throws ProtocolError if the protocol forbids it: a bad name, or neither name nor body.
 * @throws TypeError for a body that cannot be encoded, a promise or an Observable; any error that the codec throws.
 */
export function encodeSignal(name: string, body: unknown, codec: PayloadCodec): Uint8Array {
  return encodeMessage(signalOf(name, body, codec));
}

/** A signal to many clients, encoded once for each codec of their servers. */
export class EncodedSignal {
  /** The message for each codec. */
  readonly messages: ReadonlyMap<PayloadCodec, Uint8Array>;

  /**
   * @param codecs The codecs of the servers; at least one.
   * @throws As `encodeSignal()` does.
   */
  constructor(name: string, body: unknown, codecs: Iterable<PayloadCodec>) {
    this.messages = new Map(Array.from(new Set(codecs), (codec) => [codec, encodeSignal(name, body, codec)]));
  }

  /** Returns the message for clients whose server has this codec, one of those given to the constructor. */
  readonly messageFor = (codec: PayloadCodec): Uint8Array => this.messages.get(codec)!;
}
