import { countOrInfinity, type OptionRules } from '../common/options.js';
import { SessionError } from '../session/session-error.js';
import { SessionManager, type SessionConnection } from '../session/session-manager.js';
import { digestOf } from '../common/key-digest.js';
import type { Session, SessionRecord } from '../session/session.js';
import { readSessionJson, writeSessionRecord } from '../session/stores/session-record-json.js';
import type { RedisClient } from './redis-client.js';
import { RedisCommands, RedisUnavailableError, Script } from './redis-commands.js';
import { checkRedisOptions, PREFIX_RULE, placeOf, REDIS_RULES, type RedisOptions } from './redis-options.js';

/** Options of {@link RedisSessionManager}. */
export interface RedisSessionManagerOptions extends RedisOptions {
  /**
   * How long after its last lookup a session can still be restored, in milliseconds; then Redis removes it.
   * @default Infinity (for ever)
   */
  readonly maxAge?: number;
  /**
   * What the names of all keys begin with.
   * @default 'webwire:sessions'
   */
  readonly prefix?: string;
}

const RULES: OptionRules<RedisSessionManagerOptions> = {
  ...REDIS_RULES,
  maxAge: countOrInfinity('milliseconds'),
  prefix: PREFIX_RULE,
};

/**
 * KEYS: session. ARGV: now, ms to live (0 for ever). Sets the time of last lookup, as a whole with the lookup: a session
 * that is closed meanwhile does not come back. Gives the session as it was; nothing is changed if it is none.
 */
const LOOK_UP = new Script(`
local stored = redis.call('GET', KEYS[1])
if not stored then return false end
local before, after = string.match(stored, '^({"c":"[^"]*","l":")[^"]*(","i":.*})$')
if not before then return stored end
if ARGV[2] == '0' then redis.call('SET', KEYS[1], before .. ARGV[1] .. after)
else redis.call('SET', KEYS[1], before .. ARGV[1] .. after, 'PX', ARGV[2]) end
return stored
`);

/**
 * Keeps sessions in Redis, one key each: `<prefix>:<digest>`, where the digest is the SHA-256 of the session's key in
 * URL-safe base64. So who can read Redis learns what sessions hold, but cannot restore them.
 *
 * Whatever client there is will do: for a single Redis, with Sentinel, or for a Redis Cluster. A client that is given is
 * used as it is, and not closed.
 */
export class RedisSessionManager extends SessionManager {
  /** How long after its last lookup a session can still be restored, in ms; `Infinity`: for ever. */
  readonly maxAge: number;
  readonly #options: RedisSessionManagerOptions;
  readonly #prefix: string;
  #commands: Promise<RedisCommands> | undefined;
  #own: RedisClient | undefined;

  /** @throws InvalidOptionError for an option that cannot be used. */
  constructor(options: RedisSessionManagerOptions) {
    super();
    this.#options = checkRedisOptions('RedisSessionManager', options, RULES);
    this.maxAge = this.#options.maxAge ?? Infinity;
    const { client, prefix = 'webwire:sessions' } = this.#options;
    // A client that is given puts its own before it.
    this.#prefix = client ? prefix : placeOf(this.#options).keyPrefix + prefix;
  }

  /** @throws SessionError `INVALID_SESSION_INFO` for a session that takes more than 1 MiB. */
  override assertStorable(session: Session): void {
    writeSessionRecord(session);
  }

  /**
   * Stores a new session, in place of any with the same key.
   * @throws SessionError `SESSION_STORE_FAILED` if Redis does not take it; `INVALID_SESSION_INFO` if it takes more than
   *   1 MiB.
   */
  async onSessionCreated({ session }: SessionConnection): Promise<void> {
    if (!session) throw new SessionError('SESSION_STORE_FAILED', 'the connection has no session to store');
    const stored = writeSessionRecord(session);
    const expiry = this.maxAge === Infinity ? [] : ['PX', this.maxAge];
    await this.#run('create', (commands) => commands.ask('set', this.#name(session.key), stored, ...expiry));
  }

  /**
   * Finds a session and sets its time of last lookup to now.
   * @returns The session with the time of last lookup before; `null` if there is none, or it has expired.
   * @throws SessionError `SESSION_STORE_FAILED` if Redis does not answer, or has something else in its place.
   */
  async onSessionLookup(key: string): Promise<SessionRecord | null> {
    const now = new Date().toISOString();
    const timeToLive = this.maxAge === Infinity ? 0 : this.maxAge;
    const stored = await this.#run('look up', (commands) =>
      commands.run(LOOK_UP, [this.#name(key)], [now, timeToLive]),
    );
    return stored === null ? null : readSessionJson(stored).record;
  }

  /**
   * Removes a session; one that is not there is removed already.
   * @throws SessionError `SESSION_STORE_FAILED` if Redis does not answer.
   */
  async onSessionClosed(key: string): Promise<void> {
    await this.#run('close', (commands) => commands.ask('del', this.#name(key)));
  }

  /** Closes the connection, if it is not that of a client that was given. Nest calls it at shutdown. */
  async onModuleDestroy(): Promise<void> {
    await this.#commands?.catch(() => undefined);
    this.#own?.disconnect();
  }

  #name(key: string): string {
    return `${this.#prefix}:${digestOf(key)}`;
  }

  async #run<T>(operation: string, task: (commands: RedisCommands) => Promise<T>): Promise<T> {
    try {
      return await task(await (this.#commands ??= this.#connect()));
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
      throw new SessionError('SESSION_STORE_FAILED', `cannot ${operation} the session: ${error.message}`);
    }
  }

  async #connect(): Promise<RedisCommands> {
    const { client } = this.#options;
    const place = placeOf(this.#options);
    if (!client) {
      this.#own = await place.connect('webwire-sessions');
      // Who waits for an answer is told; nobody else has to be.
      this.#own.on('error', () => undefined);
    }
    return new RedisCommands((client ?? this.#own)!, place.commandTimeout);
  }
}
