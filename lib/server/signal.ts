import { encodeMessage, signalType, type EncodableMessage } from '../protocol/index.js';
import { toPayload } from './payload-codec.js';

/**
 * Makes a signal (PROTOCOL.md, section 5).
 * @param body As for `connection.signal()`.
 * @throws TypeError for a body that JSON cannot express, a promise or an Observable.
 */
export function signalOf(name: string, body: unknown): EncodableMessage {
  const { encoding, bytes } = toPayload(body);
  return { type: signalType(encoding), name, payload: bytes };
}

/**
 * Encodes a signal, for one client or for many.
 * @param body As for `connection.signal()`.
 * @throws ProtocolError if the protocol forbids it: a bad name, or neither name nor body.
 * @throws TypeError for a body that JSON cannot express, a promise or an Observable.
 */
export function encodeSignal(name: string, body: unknown): Uint8Array {
  return encodeMessage(signalOf(name, body));
}
