import { randomBytes } from 'node:crypto';
import type { SendArguments } from '../contract/entries.js';
import { check, OBJECT_RULE, stringThat, type OptionRules } from '../common/options.js';
import { plainCodec, type PayloadCodec } from '../protocol/payload-codec.js';
import type { ClusterTarget } from '../server/ports/cluster.js';
import { CODEC_RULE } from '../server/server-options.js';
import { encodeSignal, type SignalTarget } from '../server/signal.js';
import { SessionError } from '../session/session-error.js';
import type { SessionManager } from '../session/session-manager.js';
import { digestOf } from '../common/key-digest.js';
import { encodeEnvelope } from './envelope.js';
import { findDeadEpochs, epochOf } from './epochs.js';
import { Keys } from './keys.js';
import { CLOSE_SESSION, MEMBER_LIFETIME } from './session-member-scripts.js';
import { RedisConnection } from './redis-connection.js';
import { addressOf, checkRedisOptions, PREFIX_RULE, REDIS_RULES, type RedisOptions } from './redis-options.js';

/** Options of {@link WebwireEmitter}. */
export interface WebwireEmitterOptions extends RedisOptions {
  /**
   * The prefix of the `RedisCluster` of the application.
   * @default 'webwire'
   */
  readonly prefix?: string;
  /**
   * Encodes the bodies of signals: the codec of the application.
   * @default text as UTF-8, bytes as binary, other values as JSON
   */
  readonly codec?: PayloadCodec;
  /** The store of the application, for `closeSession()`, which has to destroy sessions. */
  readonly sessionManager?: Pick<SessionManager, 'onSessionClosed'>;
}

/** Options of signals to several connections. */
export interface EmitterSignalOptions {
  /**
   * Ids of the connections that do not get the signal.
   * @default none
   */
  readonly except?: string | Iterable<string>;
}

/** Options of `broadcast()`. */
export interface EmitterBroadcastOptions extends EmitterSignalOptions {
  /**
   * Name of a gateway: only connections to its servers get the signal.
   * @default all servers
   */
  readonly gateway?: string;
}

const RULES: OptionRules<WebwireEmitterOptions> = {
  ...REDIS_RULES,
  prefix: PREFIX_RULE,
  codec: CODEC_RULE,
  sessionManager: {
    allowed: 'a SessionManager',
    accepts: (value) => typeof (value as Partial<SessionManager> | null)?.onSessionClosed === 'function',
  },
};

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const ID_RULE = stringThat('the id of a connection', (id) => UUID.test(id));
const TEXT_RULE = stringThat('a string', () => true);

/**
 * Sends signals to the connections of an application, and closes its sessions, from a process that has no connections
 * itself, such as a worker or a script. The nodes of the application need a `RedisCluster` each, with the same Redis and prefix.
 *
 * Each method rejects with a `RedisUnavailableError` if Redis does not answer within the `commandTimeout`. The signal
 * may have been sent nevertheless.
 *
 * @example await new WebwireEmitter({ url: 'redis://localhost:6379' }).signalGroup('room', 'said', 'Hello');
 */
export class WebwireEmitter {
  readonly #options: WebwireEmitterOptions;
  readonly #keys: Keys;
  readonly #origin = randomBytes(16).toString('hex');
  readonly #connection: RedisConnection;
  #isClosed = false;

  /** @throws InvalidOptionError for an option that cannot be used. */
  constructor(options: WebwireEmitterOptions) {
    this.#options = checkRedisOptions('WebwireEmitter', options, RULES);
    const { prefix = 'webwire' } = this.#options;
    const { commandTimeout, createClient, keyPrefix } = addressOf(this.#options);
    this.#keys = new Keys(keyPrefix + prefix);
    this.#connection = new RedisConnection({ name: 'webwire-emitter', commandTimeout, createClient });
  }

  /**
   * Sends a signal to each connection that has a session.
   *
   * @param signal As for `connection.signal()`: a name, or an entry of a contract.
   * @param body As for `connection.signal()`.
   * @returns The number of nodes that it was sent to.
   * @throws ContractError, ProtocolError or TypeError as `connection.signal()`.
   */
  signalSession<Signal extends SignalTarget>(
    key: string,
    signal: Signal,
    ...body: SendArguments<Signal>
  ): Promise<number>;
  async signalSession(key: string, signal: SignalTarget, body?: unknown): Promise<number> {
    return this.#publish({ kind: 'session', session: digestOf(key) }, signal, body, {});
  }

  /**
   * Sends a signal to the members of a group.
   *
   * @param args The body, and options. `except`: ids of the connections that do not get it.
   * @returns The number of nodes that it was sent to.
   * @throws ContractError, ProtocolError or TypeError as `connection.signal()`; InvalidOptionError.
   */
  signalGroup<Signal extends SignalTarget>(
    group: string,
    signal: Signal,
    ...args: SendArguments<Signal, [options?: EmitterSignalOptions]>
  ): Promise<number>;
  async signalGroup(
    group: string,
    signal: SignalTarget,
    body?: unknown,
    options: EmitterSignalOptions = {},
  ): Promise<number> {
    check('group', group, TEXT_RULE);
    return this.#publish({ kind: 'group', group }, signal, body, options);
  }

  /**
   * Sends a signal to all connections, or to those of the servers of one gateway.
   *
   * @param args The body, and options. `except`: ids of the connections that do not get it; `gateway`: the name of a gateway's class.
   * @returns The number of nodes that it was sent to.
   * @throws ContractError, ProtocolError or TypeError as `connection.signal()`; InvalidOptionError.
   */
  broadcast<Signal extends SignalTarget>(
    signal: Signal,
    ...args: SendArguments<Signal, [options?: EmitterBroadcastOptions]>
  ): Promise<number>;
  async broadcast(signal: SignalTarget, body?: unknown, options: EmitterBroadcastOptions = {}): Promise<number> {
    check('broadcast', options, OBJECT_RULE);
    const { gateway } = options;
    if (gateway !== undefined) check('broadcast.gateway', gateway, stringThat('the name of a gateway', Boolean));
    return this.#publish({ kind: 'all', gateway }, signal, body, options);
  }

  /**
   * Closes a session on all its connections, each of which is notified, and destroys it. Does nothing if no connection has it.
   *
   * @returns The number of connections that had it.
   * @throws Error without the option `sessionManager`; SessionError `SESSION_STORE_FAILED` if the session was closed
   *   on all connections, but the manager could not destroy it.
   */
  async closeSession(key: string): Promise<number> {
    const { sessionManager } = this.#options;
    if (!sessionManager) throw new Error('WebwireEmitter needs the option sessionManager to close sessions');
    const session = digestOf(key);
    const commands = this.#connected();
    const keys = this.#keys;
    const names = [keys.sessionMembers(session), keys.closed(session), keys.sessionChannel(session)];
    const envelope = encodeEnvelope({ origin: this.#origin, closedSession: session });
    const entries = (await commands.run(CLOSE_SESSION, names, [this.#origin, MEMBER_LIFETIME, envelope])) as string[];
    if (entries.length === 0) return 0;
    try {
      await sessionManager.onSessionClosed(key);
    } catch {
      // The error of the manager is not passed on, as its text may contain the key.
      throw new SessionError('SESSION_STORE_FAILED', 'the session is closed, but could not be destroyed');
    }
    const dead = new Set(await findDeadEpochs(entries.map(epochOf), true, keys, commands));
    return entries.filter((entry) => !dead.has(epochOf(entry))).length;
  }

  /** Closes the connection to Redis. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#connection.close();
  }

  /** Nest calls it at shutdown, when all modules are destroyed. */
  onApplicationShutdown(): Promise<void> {
    return this.close();
  }

  async #publish(
    target: ClusterTarget,
    signal: SignalTarget,
    body: unknown,
    { except = [] }: EmitterSignalOptions,
  ): Promise<number> {
    const ids = typeof except === 'string' ? [except] : [...except];
    for (const id of ids) check('except', id, ID_RULE);
    const message = encodeSignal(signal, body, this.#options.codec ?? plainCodec);
    const envelope = encodeEnvelope({ origin: this.#origin, target, except: ids, message });
    const commands = this.#connected();
    const channel = this.#keys.channelOf(target);
    const nodes = (await commands.ask('spublish', channel, envelope)) as number;
    if (nodes > 0) return nodes;
    // A former primary, now a replica, still accepts signals, but no node is subscribed there. It refuses to write, so that
    // `ask()` connects to the new primary. No node has received the signal yet.
    await commands.ask('del', channel);
    return (await commands.ask('spublish', channel, envelope)) as number;
  }

  #connected(): RedisConnection {
    if (this.#isClosed) throw new Error('this WebwireEmitter is closed');
    return this.#connection;
  }
}
