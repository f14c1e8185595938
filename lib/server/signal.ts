import { encodeMessage, signalType } from '../protocol/index.js';
import { toPayload } from './payload-codec.js';

/**
 * Encodes a signal (PROTOCOL.md, section 5), for one client or for many.
 * @param body As for `connection.signal()`.
 * @throws ProtocolError if the protocol forbids it: a bad name, or neither name nor body.
 * @throws TypeError for a body that JSON cannot express, a promise or an Observable.
 */
export function encodeSignal(name: string, body: unknown): Uint8Array {
  const { encoding, bytes } = toPayload(body);
  return encodeMessage({ type: signalType(encoding), name, payload: bytes });
}
