import { setTimeout as pause } from 'node:timers/promises';
import type { FreezingProxy } from '../../support/freezing-proxy.js';
import type { RedisServer, RedisShards } from '../../support/redis-processes.js';
import type { Random } from '../load/random.js';
import type { NodeProcess } from './node-process.js';

const SERVER_FAULTS = ['kill', 'stop', 'freeze', 'failover', 'reshard', 'full'] as const;
const NODE_FAULTS = ['kill', 'stop', 'restart'] as const;

/** A fault of a server or proxy lasts this long, in ms: some end before another server takes over, and some do not. */
const SERVER_FAULT = [200, 6_000] as const;
/** A node is away this long, in ms: some come back while they still have their lease, and some do not. */
const NODE_FAULT = [200, 9_000] as const;
/** The pause between two faults of nodes, in ms. */
const NODE_PAUSE = [0, 10_000] as const;

/** Breaks a Redis Cluster in one way at a time, and mends it again. */
export class ServerFaults {
  readonly tally: Record<string, number> = {};

  constructor(
    private readonly shards: RedisShards,
    private readonly proxies: ReadonlyMap<RedisServer, FreezingProxy>,
    private readonly random: Random,
    /** Keys and channels that may be in use. */
    private readonly keys: () => readonly string[],
  ) {}

  /** Resolves when the fault is over, with its name. */
  async strike(): Promise<string> {
    const fault = this.random.pick(SERVER_FAULTS);
    try {
      await this.#cause(fault);
    } catch (error) {
      // Redis refuses to move slots and roles while it recovers from the fault before.
      count(this.tally, `${fault} refused`);
      return `(${fault}: ${(error as Error).message})`;
    }
    count(this.tally, fault);
    return fault;
  }

  async #cause(fault: (typeof SERVER_FAULTS)[number]): Promise<void> {
    const { random, shards } = this;
    const server = random.pick(shards.servers);
    const duration = random.between(...SERVER_FAULT);
    switch (fault) {
      case 'kill':
        await server.kill();
        await pause(duration);
        await server.startAgain();
        break;
      case 'stop':
        server.stall();
        await pause(duration);
        server.resume();
        break;
      case 'freeze': {
        const text = random.pick(['webwire-subscriber', 'webwire']);
        for (const proxy of this.proxies.values()) if (random.chance(0.5)) proxy.freeze(text);
        break;
      }
      case 'failover': {
        const replica = await shards.replicaOf(await shards.masterOf(String(random.between(0, 1_000))));
        await shards.failOver(replica);
        break;
      }
      case 'reshard': {
        const to = await shards.masterOf(String(random.between(0, 1_000)));
        const moved = this.keys().filter(() => random.chance(0.1));
        for (const key of moved) await shards.move(key, to, { withKeys: true });
        break;
      }
      case 'full':
        await shards.configure(server, 'maxmemory', '1');
        await pause(duration);
        await shards.configure(server, 'maxmemory', '0');
        break;
    }
  }
}

/** Ends, stops and restarts one node at a time. */
export class NodeFaults {
  readonly tally: Record<string, number> = {};

  constructor(
    private readonly nodes: readonly NodeProcess[],
    private readonly random: Random,
  ) {}

  /** Resolves when the fault is over, with its name. */
  async strike(): Promise<string> {
    const { random } = this;
    const fault = random.pick(NODE_FAULTS);
    const node = random.pick(this.nodes);
    const duration = random.between(...NODE_FAULT);
    count(this.tally, fault);
    switch (fault) {
      case 'kill':
        await node.kill();
        await pause(duration);
        await node.start();
        break;
      case 'stop':
        node.stall();
        await pause(duration);
        node.resume();
        break;
      case 'restart':
        await node.shutDown();
        await node.start();
        break;
    }
    await pause(random.between(...NODE_PAUSE));
    return `${fault} ${node.name}`;
  }
}

function count(tally: Record<string, number>, name: string): void {
  tally[name] = (tally[name] ?? 0) + 1;
}
