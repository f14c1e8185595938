import { decodeMessage, MessageType } from '../protocol/index.js';
import type { ClusterTarget } from '../server/ports/cluster.js';

/** A message between nodes. */
export type Envelope =
  | {
      /** The id of the publishing node: 16 bytes in hexadecimal digits. */
      readonly origin: string;
      readonly target: ClusterTarget;
      /** Ids of connections that do not get it: UUIDs. */
      readonly except: readonly string[];
      /** A whole signal (docs/PROTOCOL.md, section 2). */
      readonly message: Uint8Array;
    }
  | { readonly origin: string; readonly closedSession: string };

const ENVELOPE_VERSION = 1;
const KINDS = ['all', 'gateway', 'group', 'session', 'closed', 'group of gateway', 'session of gateway'] as const;

/** Separates the name of a gateway from the name of a group or session. No name of a class contains it. */
const SEPARATOR = '\0';

const ID_LENGTH = 16;
const ENVELOPE_HEADER_LENGTH = 2 + ID_LENGTH + 4 + 4;
const SIGNALS: ReadonlySet<number> = new Set([
  MessageType.SignalBinary,
  MessageType.SignalUtf8,
  MessageType.SignalUtf16,
]);

/**
 * Layout: version 1 (1) · kind (1) · origin (16) · length of the name (u32 LE) · number of exceptions (u32 LE) · name (UTF-16 LE) ·
 * exceptions (16 each) · message (rest)
 *
 * The name is the name of a gateway or of a group, which may be any string, or the digest of a session's key. For the last two
 * kinds, it is the name of a gateway, a NUL character, and the group or digest.
 */
export function encodeEnvelope(envelope: Envelope): Buffer {
  const [kind, text] = targetAddress(envelope);
  const name = Buffer.from(text, 'utf16le');
  const { except, message } = 'message' in envelope ? envelope : { except: [], message: new Uint8Array() };
  const buffer = Buffer.alloc(ENVELOPE_HEADER_LENGTH + name.length + except.length * ID_LENGTH + message.length);
  buffer[0] = ENVELOPE_VERSION;
  buffer[1] = KINDS.indexOf(kind);
  buffer.write(envelope.origin, 2, 'hex');
  buffer.writeUInt32LE(name.length, 2 + ID_LENGTH);
  buffer.writeUInt32LE(except.length, 6 + ID_LENGTH);
  name.copy(buffer, ENVELOPE_HEADER_LENGTH);
  let offset = ENVELOPE_HEADER_LENGTH + name.length;
  for (const id of except) {
    buffer.write(id.replaceAll('-', ''), offset, 'hex');
    offset += ID_LENGTH;
  }
  buffer.set(message, offset);
  return buffer;
}

/** @throws Error if the bytes are no envelope. Its text contains nothing of them but numbers. */
export function decodeEnvelope(buffer: Buffer): Envelope {
  if (buffer.length < ENVELOPE_HEADER_LENGTH) throw new Error(`it has ${buffer.length} bytes only`);
  if (buffer[0] !== ENVELOPE_VERSION) throw new Error(`its version is ${buffer[0]}, not ${ENVELOPE_VERSION}`);
  const kind = KINDS[buffer[1]!];
  const origin = buffer.toString('hex', 2, 2 + ID_LENGTH);
  const nameEnd = ENVELOPE_HEADER_LENGTH + buffer.readUInt32LE(2 + ID_LENGTH);
  const count = buffer.readUInt32LE(6 + ID_LENGTH);
  const messageStart = nameEnd + count * ID_LENGTH;
  if (messageStart > buffer.length) throw new Error('it is shorter than its lengths require');
  const name = buffer.toString('utf16le', ENVELOPE_HEADER_LENGTH, nameEnd);
  const message = buffer.subarray(messageStart);
  switch (kind) {
    case undefined:
      throw new Error(`its kind is ${buffer[1]}`);
    case 'closed':
      if (count > 0 || message.length > 0) throw new Error('a closed session has exceptions or a message');
      return { origin, closedSession: name };
    default: {
      const except = Array.from({ length: count }, (_, index) => uuidAt(buffer, nameEnd + index * ID_LENGTH));
      if (!SIGNALS.has(decodeMessage(message, message.length).type)) throw new Error('its message is not a signal');
      return { origin, target: targetOf(kind, name), except, message };
    }
  }
}

function targetAddress(envelope: Envelope): [(typeof KINDS)[number], string] {
  if ('closedSession' in envelope) return ['closed', envelope.closedSession];
  const { target } = envelope;
  const { kind, gateway } = target;
  if (kind === 'all') return gateway === undefined ? ['all', ''] : ['gateway', gateway];
  const name = kind === 'group' ? target.group : target.session;
  return gateway === undefined ? [kind, name] : [`${kind} of gateway`, gateway + SEPARATOR + name];
}

function targetOf(kind: Exclude<(typeof KINDS)[number], 'closed'>, name: string): ClusterTarget {
  if (kind === 'group') return { kind, group: name };
  if (kind === 'session') return { kind, session: name };
  if (kind === 'group of gateway' || kind === 'session of gateway') {
    const end = name.indexOf(SEPARATOR);
    if (end < 0) throw new Error('it names no gateway');
    const [gateway, rest] = [name.slice(0, end), name.slice(end + 1)];
    return kind === 'group of gateway'
      ? { kind: 'group', group: rest, gateway }
      : { kind: 'session', session: rest, gateway };
  }
  return { kind: 'all', gateway: kind === 'gateway' ? name : undefined };
}

function uuidAt(buffer: Buffer, offset: number): string {
  const digits = buffer.toString('hex', offset, offset + ID_LENGTH);
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
