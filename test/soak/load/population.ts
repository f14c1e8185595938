import { MessageType } from 'nestjs-webwire/protocol';
import { setTimeout as delay } from 'node:timers/promises';
import { ACTIONS } from './actions.js';
import { connect } from './connect.js';
import { ENDINGS } from './endings.js';
import type { Random } from './random.js';
import { makeTrouble } from './troublemakers.js';
import type { World } from './world.js';

/** For each troublemaker there are so many clients. */
const CLIENTS_PER_TROUBLEMAKER = 10;

/** How long a client is idle at most before its next action, in milliseconds: less than any read timeout. */
const LONGEST_PAUSE = 700;

/** How long a client that was refused waits at most, in milliseconds. */
const LONGEST_RETRY = 2_000;

/**
 * Everybody who connects: so many at a time, each of them over and over again, until all are told to leave.
 * @returns Resolves when all have left.
 */
export async function populate(world: World, random: Random, connections: number): Promise<void> {
  const troublemakers = Math.ceil(connections / CLIENTS_PER_TROUBLEMAKER);
  await Promise.all([
    ...Array.from({ length: connections }, () => repeat(world, random.fork(), live)),
    ...Array.from({ length: troublemakers }, () => repeat(world, random.fork(), makeTrouble)),
  ]);
}

async function repeat(
  world: World,
  random: Random,
  run: (world: World, random: Random) => Promise<void>,
): Promise<void> {
  while (!world.isEnding) {
    await run(world, random);
    await delay(random.between(0, 200));
  }
}

/** The life of one connection. */
async function live(world: World, random: Random): Promise<void> {
  const connected = await connect(world, random);
  if (!connected) {
    // Like clients that mean well: all at once would be too much for any server that starts.
    await delay(random.between(0, LONGEST_RETRY));
    return;
  }
  const { client } = connected;
  for (let actions = random.between(1, 40); actions > 0 && client.isOpen && !world.isEnding; actions--) {
    // Nothing is sent before the AcceptConf is there.
    if (client.messageBufferSize > 0) random.weigh(ACTIONS)(connected, random, world);
    await delay(random.between(0, LONGEST_PAUSE));
    if (random.chance(0.3)) client.send({ type: MessageType.Heartbeat });
  }
  if (client.isOpen && client.messageBufferSize > 0) await random.weigh(ENDINGS)(connected, random);
  if (client.isOpen) await client.close();
  await client.closed;
}
