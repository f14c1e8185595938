/** What a command takes as an argument. */
export type RedisArgument = string | number | Buffer;

/**
 * An [ioredis](https://github.com/redis/ioredis) client, version 5 or 6: a `Redis`, with or without Sentinel, or a
 * `Cluster`. As much of one as is needed here, so that both versions fit.
 */
export interface RedisClient {
  readonly status: string;
  call(...args: [command: string, ...args: RedisArgument[]]): Promise<unknown>;
  connect(): Promise<unknown>;
  disconnect(reconnect?: boolean): void;
  // eslint-disable-next-line typescript/no-explicit-any -- as in Node.js: listeners take what the event brings
  on(event: string | symbol, listener: (...args: any[]) => void): unknown;
  // eslint-disable-next-line typescript/no-explicit-any -- as in Node.js
  off(event: string | symbol, listener: (...args: any[]) => void): unknown;
  // eslint-disable-next-line typescript/no-explicit-any -- the two kinds of clients take different things
  duplicate(...args: any[]): RedisClient;
}

/** What is to be known of a client beyond what it does. */
interface ClientKind {
  readonly isCluster?: boolean;
  readonly options?: { readonly keyPrefix?: string; readonly redisOptions?: { readonly keyPrefix?: string } };
}

/** How a connection is to behave that many wait for. */
const BEHAVIOUR = {
  lazyConnect: true,
  // What cannot be sent now fails now, and what may have been executed is never sent again.
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  // Who has subscribed knows to what, were it not acknowledged yet.
  autoResubscribe: false,
  enableAutoPipelining: false,
  replyMapping: 'legacy' as const,
  stringNumbers: false,
  // Put before keys and channels by those who name them.
  keyPrefix: '',
};

/** Longest wait before it is tried again to connect, in ms. */
const MAX_RETRY_DELAY = 1_000;

function retryDelay(attempts: number): number {
  return Math.min(50 * 2 ** Math.min(attempts, 10), MAX_RETRY_DELAY) * (0.5 + Math.random() / 2);
}

/** A connection like that of a client, with a behaviour of its own; not connected yet. */
export function duplicateClient(client: RedisClient, connectionName: string): RedisClient {
  if (!isClusterClient(client)) {
    return client.duplicate({ ...BEHAVIOUR, retryStrategy: retryDelay, connectionName });
  }
  return client.duplicate([], {
    ...BEHAVIOUR,
    clusterRetryStrategy: retryDelay,
    scaleReads: 'master',
    // Channels are where their slots are.
    shardedSubscribers: true,
    redisOptions: { autoResendUnfulfilledCommands: false, keyPrefix: '', connectionName },
  });
}

/** A connection to where a URL or options of ioredis say, not connected yet. Only here is ioredis loaded. */
export async function createClient(place: string | object, connectionName: string): Promise<RedisClient> {
  const { Redis } = await import('ioredis');
  const behaviour = { ...BEHAVIOUR, retryStrategy: retryDelay, connectionName };
  return typeof place === 'string' ? new Redis(place, behaviour) : new Redis({ ...place, ...behaviour });
}

/** Whether it is a client of a Redis Cluster. */
export function isClusterClient(client: RedisClient): boolean {
  return (client as ClientKind).isCluster === true;
}

/** What a client puts before the keys of all commands. */
export function keyPrefixOf(client: RedisClient): string {
  const { options } = client as ClientKind;
  return options?.keyPrefix ?? options?.redisOptions?.keyPrefix ?? '';
}

/** Whether it is a client of ioredis. */
export function isRedisClient(value: unknown): value is RedisClient {
  const client = value as Partial<RedisClient> | null;
  return (
    typeof client === 'object' &&
    client !== null &&
    [client.call, client.duplicate, client.connect, client.disconnect].every((method) => typeof method === 'function')
  );
}
