import type { Client } from './client.js';
import { FINAL_BINARY, FINAL_PING, frame, hugeFrameHeader } from './frames.js';
import type { Random } from './random.js';

/** A violation by a client, and the close code that the server sends for it (docs/PROTOCOL.md, section 9). */
interface Violation {
  readonly code: number;
  readonly commit: (client: Client, random: Random) => void;
}

const ID = '0102030405060708';

/** Messages that break the protocol, in hexadecimal digits. */
const MALFORMED = [
  '', // nothing
  'fe', // unknown type
  `7f${ID}`, // truncated
  '2100', // trailing bytes
  `7f${ID}ff6162`, // a name that ends beyond the message
  `81${ID}01610062`, // UTF-16 of odd length
  `80${ID}0101ff`, // an invalid character
  `20${ID}07`, // an invalid session key
  `7f${ID}00`, // neither name nor payload
];

/** Frames that break the WebSocket protocol. */
const BROKEN_FRAMES: readonly Buffer[] = [
  Buffer.from([FINAL_BINARY, 1, 0]), // not masked
  frame(Buffer.from('x'), 0xf2), // reserved bits
  frame(Buffer.from('x'), 0x83), // unknown opcode
  frame(Buffer.from('x'), 0x80), // a continuation without a first frame
  frame(Buffer.alloc(126), FINAL_PING), // a control frame that is too long
  frame(Buffer.from('x'), 0x09), // a control frame in pieces
  frame(Buffer.from([1]), 0x88), // a close frame with half of a code
];

export const VIOLATIONS: readonly (readonly [weight: number, violation: Violation])[] = [
  [10, { code: 1002, commit: (client, random) => client.sendBytes(Buffer.from(random.pick(MALFORMED), 'hex')) }],
  [2, { code: 1003, commit: (client) => client.sendBytes('text') }],
  [3, { code: 1009, commit: (client) => client.sendBytes(Buffer.alloc(client.messageBufferSize + 1, 33)) }],
  [1, { code: 1009, commit: sendTooMuchInPieces }],
  [1, { code: 1009, commit: (client) => client.tcp.write(hugeFrameHeader()) }],
  [6, { code: 1002, commit: (client, random) => client.tcp.write(random.pick(BROKEN_FRAMES)) }],
];

function sendTooMuchInPieces(client: Client): void {
  const half = Buffer.alloc(Math.ceil(client.messageBufferSize * 0.6), 33);
  client.sendBytes(half, { binary: true, fin: false });
  client.sendBytes(half, { binary: true, fin: true });
}
