import { randomBytes } from 'node:crypto';
import type { Keys } from './keys.js';
import type { RedisConnection } from './redis-connection.js';
import { RedisUnavailableError } from './redis-error.js';
import { Script } from './script.js';

/** The node of a membership. */
export interface MembershipHost {
  readonly commands: RedisConnection;
  readonly keys: Keys;
  /** How long a node counts as alive after its last heartbeat, in ms. */
  readonly nodeTimeout: number;
  /** Checks that messages arrive. Calls `renew` between its steps, which may take long. Rejects if messages do not. */
  probeSubscriptions(renew: () => Promise<void>): Promise<void>;
  /**
   * Subscribes to all channels and registers all that this node has, in its new epoch. Calls `renew` between its steps,
   * which keeps the lease however long all of it takes.
   */
  resynchronize(renew: () => Promise<void>): Promise<void>;
  /** A heartbeat went well. */
  beat(): Promise<void>;
  connected(): void;
  disconnected(reason: string): void;
}

/** Pause before a check that was asked for while the node is connected, in ms: there may be many reasons at once. */
const URGENT_PAUSE = 100;

/**
 * KEYS: generation. ARGV: the generation that the node knows ('' for none), one to begin, ms that nodes need to come back.
 * Gives the generation, and for how many ms nobody can know yet which places there are.
 */
const GENERATION = new Script(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local isNew = redis.call('HSETNX', KEYS[1], 'id', ARGV[2]) == 1
local id = redis.call('HGET', KEYS[1], 'id')
if ARGV[1] ~= '' and ARGV[1] ~= id then redis.call('HSETNX', KEYS[1], 'settled', now + ARGV[3]) end
local settled = tonumber(redis.call('HGET', KEYS[1], 'settled') or '0')
return {id, math.max(0, math.ceil(settled - now))}
`);

/**
 * The membership of this node in the cluster. `STATES.md` has its states.
 *
 * A node has a lease, which it renews by heartbeats. Its places belong to an *epoch*: whenever the node was away, it begins
 * a new epoch and registers its places again. A dead epoch stays dead, and with it all that commands of before may still
 * have done.
 */
export class Membership {
  #count = 0;
  /** The newest epoch in which all places are registered in Redis, and the oldest one that is still valid. */
  #registered = 0;
  #oldest = 1;
  #isConnected = false;
  #isJoining = false;
  #isStarted = false;
  #isStopped = false;
  #generation = '';
  /** Until when the lease lasts at least, until when nobody knows all places, and since when this node is connected. */
  #leaseEnd = 0;
  #settledAt = 0;
  #connectedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> | undefined;
  #isUrgent = false;
  /** How often something failed: what fails while the node comes back lets it begin again. */
  #failures = 0;

  /** @param nodeId Unique among all nodes: 16 bytes in hexadecimal digits. */
  constructor(
    readonly nodeId: string,
    private readonly host: MembershipHost,
  ) {}

  /** Name of the present epoch. */
  get epoch(): string {
    return `${this.nodeId}.${this.#count}`;
  }

  /** Whether Redis answers, has all that this node has registered, and the lease lasts. */
  get isConnected(): boolean {
    return this.#isConnected && performance.now() < this.#leaseEnd;
  }

  /**
   * True while this node returns and registers its members. A place that changes meanwhile is registered in the present
   * epoch by the caller that changes it; if that fails, the caller calls `fail()`.
   */
  get isJoining(): boolean {
    return this.#isJoining;
  }

  /** Whether other nodes may have places that Redis, which has lost its data, does not know yet. */
  get isSettling(): boolean {
    return performance.now() < this.#settledAt;
  }

  /**
   * Returns true if an epoch without a lease is dead: when Redis was away, all leases may have run out, and those who are
   * alive need time to come back.
   */
  get canJudge(): boolean {
    return this.isConnected && performance.now() - this.#connectedAt > this.host.nodeTimeout;
  }

  /** Comes to life. @throws RedisUnavailableError if Redis cannot be asked. */
  async start(): Promise<void> {
    await this.#join();
    this.#isStarted = true;
    this.#schedule();
  }

  /** A command failed that may have been executed or not: Redis' data about this node may be wrong. */
  fail(reason: string): void {
    this.#failures++;
    if (!this.#isConnected || this.#isStopped) return;
    this.#isConnected = false;
    this.host.disconnected(reason);
    this.hurry();
  }

  /** Ends the connected state if the lease may have run out. */
  lapse(): void {
    if (this.#isConnected && !this.isConnected) this.fail('its lease may have run out');
  }

  /** Runs the next check, or the next attempt to come back, as soon as possible. */
  hurry(): void {
    this.#isUrgent = true;
    if (!this.#working) this.#schedule();
  }

  /** Gives the lease back: places that are still taken are free at once. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#working;
    this.#isConnected = false;
    const { commands } = this.host;
    if (commands.isReady) await commands.ask('del', this.#lease).catch(() => undefined);
  }

  get #lease(): string {
    return this.host.keys.node(this.nodeId);
  }

  #schedule(): void {
    if (this.#isStopped || !this.#isStarted) return;
    clearTimeout(this.#timer);
    const { nodeTimeout, commands } = this.host;
    let pause = this.#isConnected ? nodeTimeout / 3 : Math.min(nodeTimeout / 3, 1_000);
    if (this.#isUrgent && commands.isReady) pause = this.#isConnected ? Math.min(pause, URGENT_PAUSE) : 0;
    this.#isUrgent = false;
    this.#timer = setTimeout(() => this.#work(), pause);
  }

  #work(): void {
    this.#working = (this.#isConnected ? this.#beat() : this.#join())
      .catch((error: Error) => this.fail(error.message))
      .finally(() => {
        this.#isJoining = false;
        this.#working = undefined;
        this.#schedule();
      });
  }

  async #beat(): Promise<void> {
    const known = this.#generation;
    await Promise.all([this.#renew(true), this.#readGeneration(), this.host.probeSubscriptions(this.#keepLease)]);
    if (known !== this.#generation) throw new RedisUnavailableError('Redis has lost its data');
    await this.host.beat();
  }

  async #join(): Promise<void> {
    const failures = this.#failures;
    await this.#readGeneration();
    this.#count++;
    this.#isJoining = true;
    // Until all places are registered in the new epoch, those of the last one are valid, too.
    this.#oldest = Math.max(this.#registered, 1);
    await this.#renew();
    await this.host.resynchronize(this.#keepLease);
    await this.host.probeSubscriptions(this.#keepLease);
    this.#oldest = this.#count;
    await this.#renew(true);
    this.#registered = this.#count;
    if (this.#failures !== failures) throw new RedisUnavailableError('a connection was lost meanwhile');
    if (this.#isStopped) return;
    this.#isJoining = false;
    this.#isConnected = true;
    this.#connectedAt = performance.now();
    this.host.connected();
  }

  /** Renews the lease if that was not done just before. @throws RedisUnavailableError if it ran out */
  readonly #keepLease = async (): Promise<void> => {
    const left = this.#leaseEnd - performance.now();
    if (left < (this.host.nodeTimeout * 5) / 6) await this.#renew(true);
  };

  /** @param mustExist Whether it must not have run out. */
  async #renew(mustExist = false): Promise<void> {
    const began = performance.now();
    const { nodeTimeout, commands } = this.host;
    const options = mustExist ? ['XX'] : [];
    const answer = await commands.ask('set', this.#lease, this.#oldest, 'PX', nodeTimeout, ...options);
    if (answer === null) throw new RedisUnavailableError('its lease ran out');
    this.#leaseEnd = began + nodeTimeout;
  }

  async #readGeneration(): Promise<void> {
    const fresh = randomBytes(8).toString('hex');
    const began = performance.now();
    const { commands, keys, nodeTimeout } = this.host;
    const answer = await commands.run(GENERATION, [keys.generation], [this.#generation, fresh, nodeTimeout]);
    const [generation, settling] = answer as [string, number];
    this.#generation = generation;
    this.#settledAt = settling > 0 ? began + settling : 0;
  }
}
