import type { FreezingProxy } from '../../support/freezing-proxy.js';
import type { RedisServer, RedisShards } from '../../support/redis-processes.js';
import type { Random } from '../load/random.js';

export type Fault = 'kill' | 'stop' | 'freeze' | 'failover' | 'reshard' | 'full';

const FAULTS: readonly Fault[] = ['kill', 'stop', 'freeze', 'failover', 'reshard', 'full'];

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Breaks a Redis Cluster in one way at a time, and mends it again. */
export class Faults {
  readonly tally = Object.fromEntries(FAULTS.map((fault) => [fault, 0])) as Record<Fault, number>;

  constructor(
    private readonly shards: RedisShards,
    private readonly proxies: ReadonlyMap<RedisServer, FreezingProxy>,
    private readonly random: Random,
    /** Keys and channels that are in use. */
    private readonly keys: () => readonly string[],
  ) {}

  /** Resolves when the fault is over, with its name. */
  async strike(): Promise<string> {
    const fault = this.random.pick(FAULTS);
    this.tally[fault]++;
    try {
      await this.#cause(fault);
      return fault;
    } catch (error) {
      // Redis refuses to move slots and roles while it recovers from the fault before.
      return `(${fault}: ${(error as Error).message})`;
    }
  }

  async #cause(fault: Fault): Promise<void> {
    const { random, shards } = this;
    const server = random.pick(shards.servers);
    const duration = random.between(200, 6_000);
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
