import {
  decodeMessage,
  encodeMessage,
  encodeMessageInto,
  MessageType,
  type EncodableMessage,
} from 'nestjs-webwire/protocol';
import { performance } from 'node:perf_hooks';
import { contentOf } from '../exchanges.js';

/** How long the codec takes. */
export interface CodecFigures {
  readonly name: string;
  /** Nanoseconds a call: the fastest of many rounds, as nothing makes code faster than it is. */
  readonly nanoseconds: number;
}

const ROUNDS = 40;
const CALLS = 50_000;

const ID = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

/** Measures encoding and decoding, without any I/O. */
export function measureCodec(): CodecFigures[] {
  const payload = Buffer.from(contentOf(31));
  const request: EncodableMessage = { type: MessageType.RequestBinary, id: ID, name: 'echo', payload };
  const reply: EncodableMessage = { type: MessageType.ReplyBinary, id: ID, payload };
  const signal: EncodableMessage = { type: MessageType.SignalUtf8, name: 'news', payload };
  const large: EncodableMessage = { ...request, payload: Buffer.from(contentOf(4_000)) };
  const target = new Uint8Array(8_192);
  const cases: [name: string, run: () => number][] = [
    ...[request, signal, reply, large].map((message): [string, () => number] => {
      const bytes = Buffer.from(encodeMessage(message));
      return [`decode a ${describe(message)} of ${bytes.length} bytes`, () => decodeMessage(bytes, 8_192).type];
    }),
    ...[request, signal, reply, large].map((message): [string, () => number] => {
      const { length } = encodeMessage(message);
      return [`encode a ${describe(message)} of ${length} bytes`, () => encodeMessage(message).length];
    }),
    [`encode a reply into memory that is there`, () => encodeMessageInto(reply, target)],
  ];
  return cases.map(([name, run]) => ({ name, nanoseconds: fastest(run) }));
}

function describe({ type }: EncodableMessage): string {
  if (type === MessageType.RequestBinary) return 'request';
  return type === MessageType.ReplyBinary ? 'reply' : 'signal';
}

/** What the calls return is used, or they would not have to happen. */
function fastest(run: () => number): number {
  let best = Infinity;
  let sum = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    for (let call = 0; call < CALLS; call++) sum += run();
    best = Math.min(best, performance.now() - start);
  }
  if (sum === 0) throw new Error('the codec did nothing');
  return (best * 1e6) / CALLS;
}
