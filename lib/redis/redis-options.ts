import {
  checkAll,
  InvalidOptionError,
  integerBetween,
  OBJECT_RULE,
  stringThat,
  type OptionRule,
  type OptionRules,
} from '../common/options.js';
import { TIMER_MAX } from '../common/timeout.js';
import {
  createClient,
  duplicateClient,
  isRedisClient,
  keyPrefixOf,
  type ConnectionAttempt,
  type RedisClient,
} from './redis-client.js';

/** The address of Redis: exactly one of `client`, `url` and `connection`. */
export interface RedisOptions {
  /** A client of ioredis: a `Redis`, with or without Sentinel, or a `Cluster`. It is never closed. */
  readonly client?: RedisClient;
  /** `redis[s]://[[username]:[password]@]host[:port][/database]`. */
  readonly url?: string;
  /** Options of a connection of ioredis, as `new Redis()` takes them: `host`, `port`, `sentinels`, `tls` and so on. */
  readonly connection?: object;
  /**
   * The time in which Redis has to answer, in milliseconds. Otherwise the operation fails, and the connection is replaced
   * by a new one.
   * @default 2_000
   */
  readonly commandTimeout?: number;
}

/** The address of Redis, made from the options. */
export interface RedisAddress {
  readonly commandTimeout: number;
  /** The prefix that the given client adds to the keys of its commands. */
  readonly keyPrefix: string;
  /** Makes a client that is not connected yet. */
  readonly createClient: (attempt: ConnectionAttempt) => Promise<RedisClient>;
}

export const REDIS_RULES: OptionRules<RedisOptions> = {
  client: { allowed: 'a client of ioredis: a Redis or a Cluster', accepts: isRedisClient, isSecret: true },
  url: {
    ...stringThat('a URL such as redis://localhost:6379', (url) => /^rediss?:\/\/\S+$/.test(url)),
    isSecret: true,
  },
  connection: { ...OBJECT_RULE, allowed: 'an object of options of ioredis', isSecret: true },
  commandTimeout: integerBetween(1, TIMER_MAX, 'milliseconds'),
};

/** A prefix must not contain braces: they would put all keys on one shard of a Redis Cluster. */
export const PREFIX_RULE: OptionRule = stringThat('a string of printable ASCII characters but { and }', (prefix) =>
  /^[!-z|~]+$/.test(prefix),
);

/**
 * Checks the options of a class that connects to Redis.
 * @param owner The name of the class, for errors.
 * @throws InvalidOptionError
 */
export function checkRedisOptions<Options extends RedisOptions>(
  owner: string,
  options: Options,
  rules: OptionRules<Options>,
): Options {
  const checked = checkAll<Options>(options, rules, `${owner}.`);
  const { client, url, connection } = checked;
  const given = [client, url, connection].filter((option) => option !== undefined);
  if (given.length === 1) return checked;
  throw new InvalidOptionError(
    `${owner} needs the address of Redis in exactly one of the options client, url and connection; ` +
      `${given.length} are given`,
  );
}

export function addressOf({ client, url, connection, commandTimeout = 2_000 }: RedisOptions): RedisAddress {
  const { keyPrefix = '' }: { keyPrefix?: string } = connection ?? {};
  return {
    commandTimeout,
    keyPrefix: client ? keyPrefixOf(client) : keyPrefix,
    createClient: async (attempt) =>
      client ? duplicateClient(client, attempt) : createClient(url ?? connection!, attempt),
  };
}
