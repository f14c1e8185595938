import { countOrInfinity, type OptionRules } from '../common/options.js';
import { SessionError } from '../session/session-error.js';
import { SessionManager, type SessionConnection } from '../session/session-manager.js';
import { digestOf } from '../common/key-digest.js';
import type { Session, SessionRecord } from '../session/session.js';
import { readSessionJson, writeSessionRecord } from '../session/stores/session-record-json.js';
import { RedisConnection } from './redis-connection.js';
import { RedisUnavailableError } from './redis-error.js';
import { addressOf, checkRedisOptions, PREFIX_RULE, REDIS_RULES, type RedisOptions } from './redis-options.js';
import { Script } from './script.js';

/** Options of {@link RedisSessionManager}. */
export interface RedisSessionManagerOptions extends RedisOptions {
  /**
   * The time after its last lookup in which a session can be restored, in milliseconds. Then Redis removes it.
   * @default Infinity (for ever)
   */
  readonly maxAge?: number;
  /**
   * Prefix of all keys.
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
 * Reads a session and sets its time of last lookup, atomically: a session that is closed meanwhile does not come back.
 * KEYS: session. ARGV: now, lifetime in ms (0 for ever). Returns the session as it was, and the error if the time could not
 * be set ('' if it was), as a full Redis and a replica can still be read. Changes nothing if the value is not a session.
 */
const LOOK_UP = new Script(`
local stored = redis.call('GET', KEYS[1])
if not stored then return false end
local before, after = string.match(stored, '^({"c":"[^"]*","l":")[^"]*(","i":.*})$')
if not before then return {stored, ''} end
local result
if ARGV[2] == '0' then result = redis.pcall('SET', KEYS[1], before .. ARGV[1] .. after)
else result = redis.pcall('SET', KEYS[1], before .. ARGV[1] .. after, 'PX', ARGV[2]) end
return {stored, type(result) == 'table' and result['err'] or ''}
`);

/**
 * Keeps sessions in Redis, one key each: `<prefix>:<digest>`, where the digest is the SHA-256 of the session's key in
 * URL-safe base64. So a reader of Redis can see the contents of sessions, but cannot restore them.
 *
 * Takes any client of ioredis: for a single Redis, with Sentinel, or for a Redis Cluster. A given client is never closed.
 * When it does not answer, or is connected to a server that cannot be written to, a duplicate of it takes over.
 */
export class RedisSessionManager extends SessionManager {
  /** The time after its last lookup in which a session can be restored, in ms; `Infinity`: for ever. */
  readonly maxAge: number;
  readonly #options: RedisSessionManagerOptions;
  readonly #prefix: string;
  readonly #connection: RedisConnection;

  /** @throws InvalidOptionError for an option that cannot be used. */
  constructor(options: RedisSessionManagerOptions) {
    super();
    this.#options = checkRedisOptions('RedisSessionManager', options, RULES);
    this.maxAge = this.#options.maxAge ?? Infinity;
    const { client, prefix = 'webwire:sessions' } = this.#options;
    const { commandTimeout, createClient, keyPrefix } = addressOf(this.#options);
    // A given client adds its prefix itself, and so does its duplicate.
    this.#prefix = client ? prefix : keyPrefix + prefix;
    this.#connection = new RedisConnection({
      name: 'webwire-sessions',
      commandTimeout,
      createClient,
      ...(client && { given: client }),
    });
  }

  /** @throws SessionError `INVALID_SESSION_INFO` for a session that takes more than 1 MiB. */
  override assertStorable(session: Session): void {
    writeSessionRecord(session);
  }

  /**
   * Stores a new session. It replaces a session with the same key.
   * @throws SessionError `SESSION_STORE_FAILED` if Redis does not store it; `INVALID_SESSION_INFO` if it takes more than
   *   1 MiB.
   */
  async onSessionCreated({ session }: SessionConnection): Promise<void> {
    if (!session) throw new SessionError('SESSION_STORE_FAILED', 'the connection has no session to store');
    const stored = writeSessionRecord(session);
    const expiry = this.maxAge === Infinity ? [] : ['PX', this.maxAge];
    await this.#run('create', (connection) => connection.ask('set', this.#name(session.key), stored, ...expiry));
  }

  /**
   * Finds a session and sets its time of last lookup to now.
   * @returns The session with the time of the lookup before this one; `null` if there is no session, or it has expired. If
   *   Redis can be read but not written to, the time is not changed.
   * @throws SessionError `SESSION_STORE_FAILED` if Redis does not answer, or the value of the key is not a session.
   */
  async onSessionLookup(key: string): Promise<SessionRecord | null> {
    const now = new Date().toISOString();
    const timeToLive = this.maxAge === Infinity ? 0 : this.maxAge;
    const answer = await this.#run('look up', (connection) =>
      connection.run(LOOK_UP, [this.#name(key)], [now, timeToLive]),
    );
    if (answer === null) return null;
    const [stored, failure] = answer as [unknown, string];
    this.#connection.replaceIfWrongServer(failure);
    return readSessionJson(stored).record;
  }

  /**
   * Removes a session, if there is one.
   * @throws SessionError `SESSION_STORE_FAILED` if Redis does not answer.
   */
  async onSessionClosed(key: string): Promise<void> {
    await this.#run('close', (connection) => connection.ask('del', this.#name(key)));
  }

  /** Closes the connection, unless it belongs to a given client. Nest calls it at shutdown. */
  onModuleDestroy(): Promise<void> {
    this.#connection.close();
    return Promise.resolve();
  }

  #name(key: string): string {
    return `${this.#prefix}:${digestOf(key)}`;
  }

  async #run<T>(operation: string, task: (connection: RedisConnection) => Promise<T>): Promise<T> {
    try {
      return await task(this.#connection);
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
      throw new SessionError('SESSION_STORE_FAILED', `cannot ${operation} the session: ${error.message}`);
    }
  }
}
