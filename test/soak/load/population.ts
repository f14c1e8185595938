import { MessageType } from 'nestjs-webwire/protocol';
import { setTimeout as delay } from 'node:timers/promises';
import { ACTIONS } from './actions.js';
import { connect } from './connect.js';
import { ENDINGS } from './endings.js';
import type { Random } from './random.js';
import { makeTrouble } from './troublemakers.js';
import type { World } from './world.js';

/** Number of clients for each troublemaker. */
const CLIENTS_PER_TROUBLEMAKER = 10;

/** Longest pause of a client before its next action, in milliseconds: less than any read timeout. */
const LONGEST_PAUSE = 700;

/** Longest pause of a rejected client before its next attempt, in milliseconds. */
const LONGEST_RETRY = 2_000;

/**
 * Runs a number of clients at a time. Each one connects again and again, until the run ends.
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
    // A random pause, as well-behaved clients make it: if all came at once, no starting server could serve them.
    await delay(random.between(0, LONGEST_RETRY));
    return;
  }
  const { client } = connected;
  for (let actions = random.between(1, 40); actions > 0 && client.isOpen && !world.isEnding; actions--) {
    // Nothing is sent before the AcceptConf arrived.
    if (client.messageBufferSize > 0) random.weigh(ACTIONS)(connected, random, world);
    await delay(random.between(0, LONGEST_PAUSE));
    if (random.chance(0.3)) client.send({ type: MessageType.Heartbeat });
  }
  if (client.isOpen && client.messageBufferSize > 0) await random.weigh(ENDINGS)(connected, random);
  if (client.isOpen) await client.close();
  await client.closed;
}
