import {
  decodeMessage,
  encodeMessage,
  encodeMessageInto,
  MessageType,
  type EncodableMessage,
} from 'nestjs-webwire/protocol';
import { performance } from 'node:perf_hooks';
import { contentOf } from '../exchanges.js';

/** The time of one operation of the codec. */
export interface CodecFigures {
  readonly name: string;
  /** Nanoseconds per call: the fastest of many rounds, because other work of the machine only makes rounds slower. */
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
  // In turn, so that other work of the machine affects all of them.
  const best = cases.map(() => Infinity);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, [, run]] of cases.entries()) best[index] = Math.min(best[index]!, time(run));
  }
  return cases.map(([name], index) => ({ name, nanoseconds: best[index]! }));
}

function describe({ type }: EncodableMessage): string {
  if (type === MessageType.RequestBinary) return 'request';
  return type === MessageType.ReplyBinary ? 'reply' : 'signal';
}

/** Nanoseconds per call. The results are used, because the engine could remove calls without effect. */
function time(run: () => number): number {
  let sum = 0;
  const start = performance.now();
  for (let call = 0; call < CALLS; call++) sum += run();
  const duration = performance.now() - start;
  if (sum === 0) throw new Error('the codec did nothing');
  return (duration * 1e6) / CALLS;
}
