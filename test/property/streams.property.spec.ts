import { WebwireGateway, WebwireStream, type Message, WebwireMessage } from 'nestjs-webwire';
import { decodeMessage, encodeMessage, MessageType, type EncodableMessage } from 'nestjs-webwire/protocol';
import * as fc from 'fast-check';
import { Subject } from 'rxjs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestApp } from '../support/test-app.js';
import type { WireClient } from '../support/wire-client.js';

const WINDOW = 64;

/** The decisions about one stream, in any order. */
type Step = { source: number } | { grant: number } | 'end' | 'fail' | 'cancel' | 'nonsense';

const STEP: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ source: fc.integer({ min: 1, max: 90 }) }) },
  { weight: 5, arbitrary: fc.record({ grant: fc.oneof(fc.integer({ min: 1, max: 80 }), fc.constant(999_999_999)) }) },
  { weight: 1, arbitrary: fc.constantFrom<Step>('end', 'fail', 'cancel') },
  { weight: 2, arbitrary: fc.constant<Step>('nonsense') },
);

@WebwireGateway()
class Gateway {
  readonly sources = new Map<string, Subject<string>>();

  @WebwireStream('source') source(@WebwireMessage() message: Message) {
    const source = new Subject<string>();
    this.sources.set(Buffer.from(message.identifier!).toString('hex'), source);
    return source;
  }
}

let app: TestApp;
let client: WireClient;
let streams = 0;

beforeAll(async () => {
  app = await TestApp.start({ providers: [Gateway] }, { sessions: false });
  client = await app.connect();
  client.signal('x', 'x');
  await client.ask('wwr:extensions', '{"extensions":["stream","cancel","ping"]}');
});
afterAll(() => app.close());

function send(message: EncodableMessage): void {
  client.sendBytes(encodeMessage(message));
}

function signal(name: string, text = ''): void {
  send({ type: MessageType.SignalUtf8, name, payload: Buffer.from(text || 'x') });
}

/** All that the steps so far have caused. A ping may overtake replies that are sent in the same turn, so there are two. */
async function settle(): Promise<string[]> {
  return [...(await ping()), ...(await ping())];
}

/** Sends a ping, and returns what arrives before its reply. */
async function ping(): Promise<string[]> {
  const id = Buffer.alloc(8, 0xee);
  send({ type: MessageType.RequestBinary, id, name: 'wwr:ping', payload: Buffer.alloc(0) });
  const arrived: string[] = [];
  for (;;) {
    const message = decodeMessage(await client.nextBytes());
    if ('id' in message && Buffer.from(message.id).equals(id)) return arrived;
    if ('name' in message) arrived.push(`item ${Buffer.from(message.payload).toString()}`);
    else if (message.type === MessageType.ReplyError) arrived.push(message.code);
    else arrived.push(message.type === MessageType.ReplyBinary ? 'end' : `type ${message.type}`);
  }
}

it('each stream ends once, with its items in order, and never more than were granted', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(STEP, { maxLength: 40 }), async (steps) => {
      const id = Buffer.alloc(8);
      id.writeUInt32LE(++streams, 4);
      const hex = id.toString('hex');
      send({ type: MessageType.RequestUtf8, id, name: 'source', payload: Buffer.from('x') });
      const arrived = await settle();
      const source = app.get(Gateway).sources.get(hex)!;

      // The model: the items that wait, the credit, and the end.
      const waiting: string[] = [];
      let credit = WINDOW;
      let made = 0;
      let ending: string | undefined;
      const expected: string[] = [];
      const flush = () => {
        while (credit > 0 && waiting.length > 0) {
          expected.push(waiting.shift()!);
          credit--;
        }
        if (waiting.length === 0 && ending) {
          expected.push(ending);
          ending = '';
        }
      };

      for (const step of [...steps, 'cancel' as const]) {
        if (step === 'nonsense') {
          for (const count of ['0', '-1', '1e3', '01', '', '9'.repeat(30)]) signal(`wwr:more:${hex}`, count || ' ');
          signal('wwr:more:ffffffffffffffff', '5');
          signal('wwr:cancel:ffffffffffffffff');
          signal(`wwr:cancel:${hex.toUpperCase()}x`);
          signal('wwr:anything');
        } else if (step === 'end' || step === 'fail') {
          if (step === 'end') source.complete();
          else source.error(new Error('failed'));
          ending ??= step === 'end' ? 'end' : `type ${MessageType.ReplyInternalError}`;
        } else if (step === 'cancel') {
          signal(`wwr:cancel:${hex}`);
          if (ending !== '') {
            waiting.length = 0;
            ending = 'CANCELED';
          }
        } else if ('source' in step) {
          for (let n = 0; n < step.source; n++) {
            source.next(String(made));
            if (ending === undefined) waiting.push(`item ${made}`);
            made++;
          }
        } else {
          signal(`wwr:more:${hex}`, String(step.grant));
          credit = Math.min(credit + step.grant, WINDOW);
        }
        flush();
        arrived.push(...(await settle()));
        expect(arrived).toEqual(expected);
      }
      expect(arrived.filter((message) => !message.startsWith('item'))).toHaveLength(1);
      expect(source.observed).toBe(false);
      app.get(Gateway).sources.clear();
    }),
    { numRuns: process.env.CI ? 500 : 60, interruptAfterTimeLimit: 30_000 },
  );
});
