import { encodeMessage, MessageType } from 'nestjs-webwire/protocol';
import { setTimeout as delay } from 'node:timers/promises';
import { frame, hugeFrameHeader } from './frames.js';
import type { Random } from './random.js';
import { RawPeer } from './raw-peer.js';
import type { World } from './world.js';

/** Misuses a TCP connection. Returns a description of the failure if the server reacts wrongly. */
type Mischief = (peer: RawPeer, random: Random) => Promise<string | undefined>;

/** Longest time for the server to end a connection that it must end, in milliseconds. */
const PATIENCE = 20_000;

const UPGRADE_LINES = [
  'GET / HTTP/1.1',
  'Host: 127.0.0.1',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

const UPGRADE = `${UPGRADE_LINES.join('\r\n')}\r\n\r\n`;

const SLOW_REQUEST = frame(
  encodeMessage({
    type: MessageType.RequestUtf8,
    id: Buffer.alloc(8, 7),
    name: 'slow',
    payload: Buffer.from('{"id":"","ms":400,"text":"x","stops":false}'),
  }),
);

const FLOOD_REQUEST = frame(
  encodeMessage({
    type: MessageType.RequestUtf8,
    id: Buffer.alloc(8, 7),
    name: 'flood',
    payload: Buffer.from('{"count":1000,"size":4000}'),
  }),
);

const MISCHIEF: readonly (readonly [weight: number, mischief: Mischief])[] = [
  [2, sendGarbage],
  [3, stopWithinTheUpgrade],
  [3, upgradeBadly],
  [3, upgradeAndVanish],
  [2, stopWithinAFrame],
  [2, sendGarbageFrames],
  [2, announceTooMuch],
  [3, endOneSide],
  [3, neverRead],
  [2, ignoreTheClose],
  [2, pingWithoutReading],
];

/** Misuses one connection. */
export async function makeTrouble(world: World, random: Random): Promise<void> {
  const hasMetRestart = world.restarts.watch();
  const peer = await RawPeer.connect(random.chance(0.5) ? world.ports.http : world.ports.own);
  if (!peer) return;
  world.tally.raw++;
  const mischief = random.weigh(MISCHIEF);
  const failure = await mischief(peer, random);
  peer.destroy();
  if (failure !== undefined && !hasMetRestart()) {
    world.failures.add(`A raw connection: ${failure} (${mischief.name}; got ${JSON.stringify(peer.received)})`);
  }
}

async function expectEnd(peer: RawPeer): Promise<string | undefined> {
  return (await peer.endedWithin(PATIENCE)) ? undefined : 'the server did not end it';
}

async function expectAnswer(peer: RawPeer, status: RegExp): Promise<string | undefined> {
  await Promise.race([peer.answered(), delay(PATIENCE)]);
  return status.test(peer.received) ? undefined : 'the server answered otherwise';
}

async function sendGarbage(peer: RawPeer, random: Random) {
  peer.write(random.bytes(random.between(1, 2_000)));
  await delay(random.between(0, 1_000));
  return undefined;
}

async function stopWithinTheUpgrade(peer: RawPeer, random: Random) {
  peer.write(UPGRADE.slice(0, random.between(1, UPGRADE.length - 1)));
  await delay(random.between(0, 2_000));
  if (random.chance(0.5)) peer.reset();
  return undefined;
}

/** Sends an upgrade request with one wrong line, which makes it invalid. */
async function upgradeBadly(peer: RawPeer, random: Random) {
  const [line, instead] = random.pick([
    [0, 'GET /elsewhere HTTP/1.1'],
    [0, 'POST / HTTP/1.1'],
    [4, 'Sec-WebSocket-Version: 7'],
    [5, 'Sec-WebSocket-Key: short'],
  ] as const);
  peer.write(`${UPGRADE_LINES.with(line, instead).join('\r\n')}\r\n\r\n`);
  return (await expectAnswer(peer, /^HTTP\/1\.1 4\d\d /)) ?? expectEnd(peer);
}

/** Sends an upgrade request and messages in one packet, and disconnects at once or a little later. */
async function upgradeAndVanish(peer: RawPeer, random: Random) {
  peer.write(Buffer.concat([Buffer.from(UPGRADE), SLOW_REQUEST, SLOW_REQUEST]));
  await delay(random.between(0, 30));
  peer.reset();
  return undefined;
}

async function stopWithinAFrame(peer: RawPeer, random: Random) {
  peer.write(UPGRADE);
  await peer.answered();
  const whole = frame(random.bytes(300));
  peer.write(whole.subarray(0, random.between(1, whole.length - 1)));
  await delay(random.between(0, 3_000));
  if (random.chance(0.5)) peer.reset();
  return undefined;
}

async function sendGarbageFrames(peer: RawPeer, random: Random) {
  peer.write(UPGRADE);
  await peer.answered();
  for (let count = random.between(1, 5); count > 0; count--) peer.write(random.bytes(random.between(1, 3_000)));
  await delay(random.between(0, 1_000));
  return undefined;
}

async function announceTooMuch(peer: RawPeer) {
  peer.write(UPGRADE);
  await peer.answered();
  peer.write(hugeFrameHeader());
  return expectEnd(peer);
}

async function endOneSide(peer: RawPeer) {
  peer.write(Buffer.concat([Buffer.from(UPGRADE), SLOW_REQUEST]));
  await peer.answered();
  peer.end();
  return expectEnd(peer);
}

async function neverRead(peer: RawPeer, random: Random) {
  peer.write(UPGRADE);
  await peer.answered();
  peer.pause();
  for (let count = random.between(1, 4); count > 0; count--) peer.write(FLOOD_REQUEST);
  await delay(random.between(500, 6_000));
  return undefined;
}

/** Does not answer the close frame of the server, which must end the connection nevertheless. */
async function ignoreTheClose(peer: RawPeer) {
  peer.write(UPGRADE);
  await peer.answered();
  peer.write(Buffer.concat([SLOW_REQUEST, frame(Uint8Array.of(0xfe))]));
  return expectEnd(peer);
}

/** Sends pings without reading the pongs, which must not fill the memory of the server. */
async function pingWithoutReading(peer: RawPeer, random: Random) {
  peer.write(UPGRADE);
  await peer.answered();
  peer.pause();
  const pings = Buffer.concat(Array.from({ length: 500 }, () => frame(Buffer.alloc(125), 0x89)));
  for (let count = random.between(1, 60); count > 0; count--) {
    peer.write(pings);
    await delay(5);
  }
  return undefined;
}
