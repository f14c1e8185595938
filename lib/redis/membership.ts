import { randomBytes } from 'node:crypto';
import type { Keys } from './keys.js';
import type { RedisConnection } from './redis-connection.js';
import { RedisUnavailableError } from './redis-error.js';
import { Script } from './script.js';

/** The work of the other parts of the node that belongs to heartbeats and changes of the state. */
export interface MembershipActions {
  /** Checks that messages arrive; rejects if they do not. Calls `renew` between its steps, as they may take long. */
  probeSubscriptions(renew: () => Promise<void>): Promise<void>;
  /**
   * Subscribes to all channels, and registers all session members of this node in its new epoch. Calls `renew` between its
   * steps, so that the lease does not run out meanwhile.
   */
  resynchronize(renew: () => Promise<void>): Promise<void>;
  /** Called after each successful heartbeat. */
  beat(): Promise<void>;
  connected(): void;
  disconnected(reason: string): void;
}

/** Pause before a check requested by `hurry()` while the node is connected, in ms: several requests share one check. */
const URGENT_PAUSE = 100;

/**
 * Reads the generation of the data in Redis, and begins one if Redis has lost its data. KEYS: generation. ARGV: generation
 * that the node read last ('' for none), id of the new one, ms that nodes need to return. Gives the generation, and the time
 * in ms until all nodes have had the chance to register their members again.
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
 * A node has a lease, which it renews by heartbeats. Its session members belong to an *epoch*. Whenever the node was away,
 * it begins a new epoch and registers its members again. A dead epoch never becomes valid again, so late effects of commands
 * sent in it do not count either.
 */
export class Membership {
  /** The number of the present epoch. */
  #epochNumber = 0;
  /** The number of the newest epoch in which all members are registered in Redis. */
  #registered = 0;
  /** The number of the oldest epoch that is still valid. */
  #oldest = 1;
  #isConnected = false;
  #isReturning = false;
  #isStarted = false;
  #isStopped = false;
  #generation = '';
  /** The earliest time at which the lease may run out; this and the next two: ms of `performance.now()`. */
  #leaseEnd = 0;
  /** The end of `isRecovering`. */
  #recoveredAt = 0;
  #connectedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> | undefined;
  #isUrgent = false;
  /** The number of failures. A node that returns begins again if one occurs meanwhile. */
  #failures = 0;

  /** @param nodeId Unique among all nodes: 16 bytes in hexadecimal digits. */
  constructor(
    readonly nodeId: string,
    private readonly commands: RedisConnection,
    private readonly keys: Keys,
    /** The lifetime of a lease after the last heartbeat, in ms. */
    private readonly nodeTimeout: number,
    private readonly actions: MembershipActions,
  ) {}

  /** Name of the present epoch. */
  get epoch(): string {
    return `${this.nodeId}.${this.#epochNumber}`;
  }

  /** True while Redis answers, all members of this node are registered, and its lease has not run out. */
  get isConnected(): boolean {
    return this.#isConnected && performance.now() < this.#leaseEnd;
  }

  /**
   * True while this node returns and registers its members. A caller that adds or removes a member meanwhile updates Redis
   * itself, in the present epoch; if that fails, it calls `fail()`.
   */
  get isReturning(): boolean {
    return this.#isReturning;
  }

  /** True while other nodes may have members that they have not registered again since Redis lost its data. */
  get isRecovering(): boolean {
    return performance.now() < this.#recoveredAt;
  }

  /**
   * True if a node without a lease is dead. While Redis was away, all leases may have run out; so nodes that are alive first
   * need time to return.
   */
  get canJudge(): boolean {
    return this.isConnected && performance.now() - this.#connectedAt > this.nodeTimeout;
  }

  /** Begins the first epoch, and the heartbeats. @throws RedisUnavailableError if Redis does not answer. */
  async start(): Promise<void> {
    await this.#join();
    this.#isStarted = true;
    this.#schedule();
  }

  /**
   * Ends the connected state, as a command failed that may have been executed or not: the data in Redis about this node may
   * be wrong.
   */
  fail(reason: string): void {
    this.#failures++;
    if (!this.#isConnected || this.#isStopped) return;
    this.#isConnected = false;
    this.actions.disconnected(reason);
    this.hurry();
  }

  /** Ends the connected state if the lease may have run out. */
  lapse(): void {
    if (this.#isConnected && !this.isConnected) this.fail('its lease may have run out');
  }

  /** Runs the next check, or the next attempt to return, as soon as possible. */
  hurry(): void {
    this.#isUrgent = true;
    if (!this.#working) this.#schedule();
  }

  /** Removes the lease: members that are still registered no longer count. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#working;
    this.#isConnected = false;
    const { commands } = this;
    if (commands.isReady) await commands.ask('del', this.#lease).catch(() => undefined);
  }

  get #lease(): string {
    return this.keys.node(this.nodeId);
  }

  #schedule(): void {
    if (this.#isStopped || !this.#isStarted) return;
    clearTimeout(this.#timer);
    const { nodeTimeout, commands } = this;
    let pause = this.#isConnected ? nodeTimeout / 3 : Math.min(nodeTimeout / 3, 1_000);
    if (this.#isUrgent && commands.isReady) pause = this.#isConnected ? Math.min(pause, URGENT_PAUSE) : 0;
    this.#isUrgent = false;
    this.#timer = setTimeout(() => this.#work(), pause);
  }

  #work(): void {
    this.#working = (this.#isConnected ? this.#beat() : this.#join())
      .catch((error: Error) => this.fail(error.message))
      .finally(() => {
        this.#isReturning = false;
        this.#working = undefined;
        this.#schedule();
      });
  }

  async #beat(): Promise<void> {
    const before = this.#generation;
    // Each step of the checks may take as long as the command timeout, and all of them longer than the lease lasts.
    const renewal = setInterval(() => {
      this.#renew(true).catch((error: Error) => this.fail(error.message));
    }, this.nodeTimeout / 6);
    try {
      await Promise.all([this.#renew(true), this.#readGeneration(), this.actions.probeSubscriptions(this.#keepLease)]);
      if (before !== this.#generation) throw new RedisUnavailableError('Redis has lost its data');
      await this.actions.beat();
    } finally {
      clearInterval(renewal);
    }
  }

  async #join(): Promise<void> {
    const failures = this.#failures;
    await this.#readGeneration();
    this.#epochNumber++;
    this.#isReturning = true;
    // Until all members are registered in the new epoch, those registered in the last one are valid, too.
    this.#oldest = Math.max(this.#registered, 1);
    await this.#renew();
    await this.actions.resynchronize(this.#keepLease);
    await this.actions.probeSubscriptions(this.#keepLease);
    this.#oldest = this.#epochNumber;
    await this.#renew(true);
    this.#registered = this.#epochNumber;
    if (this.#failures !== failures) throw new RedisUnavailableError('a connection was lost meanwhile');
    if (this.#isStopped) return;
    this.#isReturning = false;
    this.#isConnected = true;
    this.#connectedAt = performance.now();
    this.actions.connected();
  }

  /** Renews the lease if more than a sixth of it has passed. @throws RedisUnavailableError if it ran out */
  readonly #keepLease = async (): Promise<void> => {
    const left = this.#leaseEnd - performance.now();
    if (left < (this.nodeTimeout * 5) / 6) await this.#renew(true);
  };

  /** @param mustExist True if a lease that has run out is an error. */
  async #renew(mustExist = false): Promise<void> {
    const began = performance.now();
    const { nodeTimeout, commands } = this;
    const options = mustExist ? ['XX'] : [];
    const answer = await commands.ask('set', this.#lease, this.#oldest, 'PX', nodeTimeout, ...options);
    if (answer === null) throw new RedisUnavailableError('its lease ran out');
    // `isConnected` was false for a while, in which signals and changes were held back: only a return sends them.
    if (this.#isConnected && !this.isConnected) throw new RedisUnavailableError('its lease may have run out');
    this.#leaseEnd = began + nodeTimeout;
  }

  async #readGeneration(): Promise<void> {
    const fresh = randomBytes(8).toString('hex');
    const began = performance.now();
    const { commands, keys, nodeTimeout } = this;
    const answer = await commands.run(GENERATION, [keys.generation], [this.#generation, fresh, nodeTimeout]);
    const [generation, recovering] = answer as [string, number];
    this.#generation = generation;
    this.#recoveredAt = recovering > 0 ? began + recovering : 0;
  }
}
