import { MessageType, Payload } from 'nestjs-webwire/protocol';
import { setTimeout as delay } from 'node:timers/promises';
import { SHORT_READ_TIMEOUT, type FloodBody, type SlowBody } from '../wire.js';
import type { Connected } from './connect.js';
import { expectEmpty, expectJsonText, expectText } from './expectations.js';
import type { Random } from './random.js';
import { VIOLATIONS } from './violations.js';

/** Ends the connection of a client; resolves when it has ended. */
type Ending = (connected: Connected, random: Random) => Promise<void>;

/** Longest time for messages that wait for running handlers, in milliseconds. The machine may be busy. */
const PATIENCE = 20_000;

/** The endings of connections, with their relative frequencies. */
export const ENDINGS: readonly (readonly [weight: number, ending: Ending])[] = [
  [35, ({ client }) => client.leave()],
  [15, ({ client }) => client.close()],
  [8, vanish],
  [6, vanishInTheMiddle],
  [14, breakTheProtocol],
  [6, beSentAway],
  [6, stopReading],
  [5, fallSilent],
  [5, closeHalf],
];

/** Breaks the connection while handlers run. */
async function vanish({ client }: Connected, random: Random): Promise<void> {
  if (random.chance(0.4)) {
    const slow = { ms: random.between(2_500, 4_000), text: 'x', stops: false };
    client.request(
      'slow',
      (id) => Payload.utf8(JSON.stringify({ id, ...slow } satisfies SlowBody)),
      expectJsonText('x'),
    );
    await delay(20);
  }
  client.vanish();
  await client.closed;
}

/** Sends half a frame. Nothing may follow it, because it would be read as the other half. */
async function vanishInTheMiddle({ client }: Connected, random: Random): Promise<void> {
  client.tcp.write(Buffer.from('82fe01000000000080', 'hex').subarray(0, random.between(1, 9)));
  await delay(random.between(0, 50));
  client.vanish();
  await client.closed;
}

async function breakTheProtocol({ client }: Connected, random: Random): Promise<void> {
  const { code, commit } = random.weigh(VIOLATIONS);
  client.violate(code, () => commit(client, random));
  await client.whenClosed('broke the protocol', PATIENCE);
}

/** Makes the server close the connection. */
async function beSentAway({ client }: Connected): Promise<void> {
  client.excuse(1000);
  client.request('leave', () => Payload.utf8('x'), expectText('goodbye'));
  await client.whenClosed('was sent away', PATIENCE);
}

/** Requests more data than it reads. */
async function stopReading({ client }: Connected, random: Random): Promise<void> {
  client.excuse(1013, 1006);
  client.pause();
  const flood: FloodBody = { count: random.between(100, 1500), size: random.between(1_000, 8_000) };
  client.request('flood', () => Payload.utf8(JSON.stringify(flood)), expectEmpty);
  await delay(random.between(200, 3_000));
  if (random.chance(0.3)) client.vanish();
  client.resume();
  await client.leave();
}

/** Sends nothing: a server with a short read timeout ends the connection. */
async function fallSilent({ client, gateway }: Connected): Promise<void> {
  if (gateway !== 'narrow') return client.leave();
  await client.whenClosed('fell silent', SHORT_READ_TIMEOUT * 1.125 + PATIENCE);
}

/** Ends its side of the TCP connection, and waits for the server to end the other. */
async function closeHalf({ client }: Connected): Promise<void> {
  client.send({ type: MessageType.Heartbeat });
  client.excuse(1006, 1005, 1000);
  client.tcp.end();
  await client.whenClosed('ended its side', PATIENCE);
}
