import { encodeMessage, MessageType, Payload, type PayloadEncoding } from 'nestjs-webwire/protocol';
import { GROUPS, pattern, type BurstBody, type SlowBody } from '../wire.js';
import type { Connected } from './connect.js';
import {
  expectBurst,
  expectEmpty,
  expectError,
  expectFailure,
  expectJsonText,
  expectPayload,
  expectRestored,
  expectRevoked,
  expectSessionsDisabled,
  expectSignedIn,
  expectText,
  FAILURE_KINDS,
} from './expectations.js';
import type { Random } from './random.js';
import type { World } from './world.js';

/** An action of a client, which does not wait for its result. */
type Action = (connected: Connected, random: Random, world: World) => void;

/** At least the bytes of a request and a reply without their payloads. */
const OVERHEAD = 32;

const ENCODINGS: readonly PayloadEncoding[] = ['binary', 'utf8', 'utf16'];

/** The actions of well-behaved clients, with their relative frequencies. */
export const ACTIONS: readonly (readonly [weight: number, action: Action])[] = [
  [20, echo],
  [6, manyEchoes],
  [3, echoInPieces],
  [12, slow],
  [6, fail],
  [5, large],
  [5, burst],
  [2, ask('nobody', 'x', () => expectError('NOT_FOUND'))],
  [2, ask('burst', '{', () => expectError('BAD_REQUEST'))],
  [2, ask('piped', 'x', (gateway) => (gateway === 'guarded' ? expectText('x') : expectError('NOT_FOUND')))],
  [10, ({ client }) => client.note()],
  [4, ({ client }, random) => client.signal('work', String(random.between(0, 300)))],
  [1, ({ client }) => client.signal('fail', 'x')],
  [1, ({ client }) => client.signal('nobody', 'x')],
  [1, ({ client }) => client.send({ type: MessageType.SessionClosed })],
  [3, join],
  [2, quit],
  [5, signIn],
  [1, signOut],
  [1, closeSession],
  [6, restore],
  [1, revoke],
];

function text(value: string): () => Payload {
  return () => Payload.utf8(value);
}

function json(value: unknown): Payload {
  return Payload.utf8(JSON.stringify(value));
}

function ask(
  name: string,
  body: string,
  expects: (gateway: Connected['gateway']) => ReturnType<typeof expectText>,
): Action {
  return ({ client, gateway }) => client.request(name, text(body), expects(gateway));
}

function echo({ client }: Connected, random: Random): void {
  const most = random.chance(0.1) ? client.messageBufferSize - OVERHEAD : 200;
  const encoding = random.pick(ENCODINGS);
  // In pairs, as UTF-16 needs them.
  const bytes = random.bytes(random.between(1, most) & ~1);
  client.request('echo', () => new Payload(encoding, bytes), expectPayload(encoding, bytes));
}

function manyEchoes(connected: Connected, random: Random): void {
  for (let count = random.between(2, 20); count > 0; count--) echo(connected, random);
}

/** One message in several frames. No other message may be sent between them. */
function echoInPieces({ client }: Connected, random: Random): void {
  const bytes = random.bytes(random.between(10, 500));
  client.requestInPieces('echo', bytes, expectPayload('binary', bytes), random.between(2, 5));
}

function slow({ client }: Connected, random: Random): void {
  const ms = random.chance(0.1) ? random.between(500, 1500) : random.between(0, 300);
  const value = `slowly ${random.next()}`;
  const stops = random.chance(0.3);
  client.request('slow', (id) => json({ id, ms, text: value, stops } satisfies SlowBody), expectJsonText(value));
}

function fail({ client }: Connected, random: Random): void {
  const kind = random.pick(FAILURE_KINDS);
  client.request('fail', text(kind), expectFailure(kind));
}

function large({ client }: Connected, random: Random): void {
  const size = random.between(1, Math.floor(client.messageBufferSize * 1.3));
  const start = random.between(0, 50_000);
  const fits = encodeMessage({ type: MessageType.ReplyBinary, id: Buffer.alloc(8) }).length + size;
  const expects =
    fits > client.messageBufferSize ? expectError('REPLY_TOO_LARGE') : expectPayload('binary', pattern(size, start));
  client.request('large', () => json({ size, start }), expects);
}

function burst({ client }: Connected, random: Random): void {
  const count = random.between(1, 12);
  client.request('burst', (id) => json({ id, count } satisfies BurstBody), expectBurst(count));
}

function join({ client }: Connected, random: Random): void {
  client.join(random.pick(GROUPS));
}

function quit({ client }: Connected, random: Random): void {
  const group = random.pick(GROUPS);
  client.request('quit', text(group), expectEmpty);
}

function signIn({ client, gateway }: Connected): void {
  if (gateway === 'guarded') return;
  const user = client.newUser();
  client.request('sign-in', text(user), expectSignedIn(user), true);
}

function signOut({ client, gateway }: Connected): void {
  if (gateway !== 'guarded') client.request('sign-out', text('x'), expectEmpty, true);
}

function closeSession({ client, gateway }: Connected): void {
  client.closeSession(gateway === 'guarded' ? expectSessionsDisabled : expectEmpty);
}

function restore({ client, gateway }: Connected, random: Random, { sessions }: World): void {
  const session = sessions.pick(random);
  if (session) client.restore(session, gateway === 'guarded' ? expectSessionsDisabled : expectRestored(session));
}

function revoke({ client }: Connected, random: Random, { sessions }: World): void {
  const session = sessions.pick(random);
  if (!session) return;
  session.isEnding = true;
  client.request('revoke', text(session.key), expectRevoked(session));
}
