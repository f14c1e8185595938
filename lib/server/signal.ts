import type { ServerSignalEntry } from '../contract/entries.js';
import { validateNow } from '../contract/validate.js';
import { assertUnreserved } from '../protocol/extensions.js';
import { encodeMessage, signalType, type EncodableMessage } from '../protocol/index.js';
import { jsonCodec, type PayloadCodec } from '../protocol/payload-codec.js';
import { toPayload } from './to-payload.js';

/** A name, or an entry of a contract: then the body is validated, and sent as JSON. @inline */
export type SignalTarget = string | ServerSignalEntry;

/**
 * Makes a signal (docs/PROTOCOL.md, section 5).
 * @param body As for `connection.signal()`.
 * @throws ProtocolError for a reserved name.
 * @throws ContractError for a body that does not fit the contract.
 * @throws TypeError for a body that cannot be encoded, a promise or an Observable; any error that the codec throws.
 */
export function signalOf(target: SignalTarget, body: unknown, codec: PayloadCodec): EncodableMessage {
  if (isServerSignal(target)) return encodable(target.name, validateNow(target, body), jsonCodec);
  assertUnreserved(target);
  return encodable(target, body, codec);
}

function encodable(name: string, body: unknown, codec: PayloadCodec): EncodableMessage {
  const { encoding, bytes } = toPayload(body, codec);
  return { type: signalType(encoding), name, payload: bytes };
}

/** @throws TypeError for an entry of another kind. */
function isServerSignal(target: SignalTarget): target is ServerSignalEntry {
  if (typeof target !== 'object' || target === null) return false;
  const { kind, name } = target as Partial<ServerSignalEntry>;
  if (kind === 'serverSignal') return true;
  const found = kind === undefined ? 'an object that is no entry' : `the ${String(kind)} ${JSON.stringify(name)}`;
  throw new TypeError(`a server sends an entry of \`serverSignals\` of a contract, not ${found}`);
}

/**
 * Encodes a signal, for one client or for many.
 * @param body As for `connection.signal()`.
 * @throws ProtocolError if the protocol forbids it: a bad name, or neither name nor body.
 * @throws ContractError for a body that does not fit the contract.
 * @throws TypeError for a body that cannot be encoded, a promise or an Observable; any error that the codec throws.
 */
export function encodeSignal(target: SignalTarget, body: unknown, codec: PayloadCodec): Uint8Array {
  return encodeMessage(signalOf(target, body, codec));
}

/** A signal to many clients, encoded once for each codec of their servers. */
export class EncodedSignal {
  /** The message for each codec; one for all codecs if they make no difference. */
  readonly messages: ReadonlyMap<PayloadCodec, Uint8Array>;
  /** Returns the message for clients whose server has this codec, one of those given to the constructor. */
  readonly messageFor: (codec: PayloadCodec) => Uint8Array;

  /**
   * @param codecs The codecs of the servers; at least one.
   * @throws As `encodeSignal()` does.
   */
  constructor(target: SignalTarget, body: unknown, codecs: Iterable<PayloadCodec>) {
    if (isServerSignal(target)) {
      const message = encodeSignal(target, body, jsonCodec);
      this.messages = new Map([[jsonCodec, message]]);
      this.messageFor = () => message;
    } else {
      this.messages = new Map(Array.from(new Set(codecs), (codec) => [codec, encodeSignal(target, body, codec)]));
      this.messageFor = (codec) => this.messages.get(codec)!;
    }
  }
}
