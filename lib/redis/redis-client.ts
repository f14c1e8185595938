/** An argument of a command. */
export type RedisArgument = string | number | Buffer;

/**
 * An [ioredis](https://github.com/redis/ioredis) client, version 5 or 6: a `Redis`, with or without Sentinel, or a
 * `Cluster`. The type has only the members that are used here, so that clients of both versions match it.
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
  // eslint-disable-next-line typescript/no-explicit-any -- the two kinds of clients take different arguments
  duplicate(...args: any[]): RedisClient;
}

export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

type NatMap = Readonly<Record<string, NodeAddress>> | ((key: string) => NodeAddress | null | undefined);

interface Options extends Partial<NodeAddress> {
  readonly keyPrefix?: string;
  readonly redisOptions?: { readonly keyPrefix?: string };
  readonly sentinels?: object[] | null;
  readonly natMap?: NatMap | null;
  readonly useSRVRecords?: boolean;
}

/** Public members of ioredis clients that only some of them have. */
interface ClientDetails extends RedisClient {
  readonly isCluster?: boolean;
  readonly options?: Options;
  nodes?(): readonly ClientDetails[];
}

/** One attempt to connect. */
export interface ConnectionAttempt {
  /** Name of the connection in Redis' `CLIENT LIST`. */
  readonly name: string;
  /** In ms. */
  readonly commandTimeout: number;
  /** Number of failed attempts before this one. Each attempt begins with another Sentinel. */
  readonly failures: number;
  /** Nodes of a Redis Cluster that an earlier client has found. */
  readonly nodes: readonly NodeAddress[];
  /** Prefix that the client adds to keys: `''` where `Keys` adds it, or the prefix of the client that this one replaces. */
  readonly keyPrefix: string;
}

/** The time in which an abandoned connection has to close, in ms. A silent peer never confirms the end. */
const DISCONNECT_TIMEOUT = 250;

/**
 * Settings of every client made here. A client that lost its connection is replaced by a new one, which finds Redis again.
 * So a client never reconnects by itself and never sends a command twice.
 */
function settingsOf({ name, commandTimeout, keyPrefix }: ConnectionAttempt) {
  return {
    lazyConnect: true,
    retryStrategy: null,
    reconnectOnError: null,
    // A command fails at once if it cannot be sent.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    // `ChannelSubscriptions` subscribes again.
    autoResubscribe: false,
    enableAutoPipelining: false,
    replyMapping: 'legacy' as const,
    stringNumbers: false,
    keyPrefix,
    connectTimeout: commandTimeout,
    // `RedisConnection` limits the time of each command.
    commandTimeout: undefined,
    disconnectTimeout: DISCONNECT_TIMEOUT,
    // `RedisConnection` tries again, with another Sentinel first.
    sentinelRetryStrategy: () => null,
    sentinelCommandTimeout: Math.ceil(commandTimeout / 2),
    connectionName: name,
  };
}

/** Makes a client like the given one with the settings above, not connected yet. */
export function duplicateClient(client: RedisClient, attempt: ConnectionAttempt): RedisClient {
  const { options } = client as ClientDetails;
  if (!isClusterClient(client)) {
    return client.duplicate({ ...settingsOf(attempt), ...sentinelsOf(options, attempt) });
  }
  const { retryStrategy, connectTimeout, commandTimeout, disconnectTimeout, connectionName } = settingsOf(attempt);
  // The configured nodes may no longer exist or hang, and the nodes found earlier may have new addresses: attempts use both
  // lists in turn.
  const nodes = attempt.failures % 2 === 0 && !options?.useSRVRecords ? attempt.nodes : [];
  return client.duplicate([...nodes], {
    lazyConnect: true,
    enableOfflineQueue: false,
    enableAutoPipelining: false,
    keyPrefix: attempt.keyPrefix,
    scaleReads: 'master',
    shardedSubscribers: false,
    clusterRetryStrategy: null,
    clusterNodeRetryStrategy: null,
    // Redis may have run a command whose connection was lost.
    retryDelayOnFailover: 0,
    slotsRefreshTimeout: Math.ceil(attempt.commandTimeout / 2),
    redisOptions: {
      retryStrategy,
      autoResendUnfulfilledCommands: false,
      keyPrefix: '',
      connectTimeout,
      commandTimeout,
      disconnectTimeout,
      connectionName,
    },
  });
}

/** Makes a client for a URL or options of ioredis, not connected yet. Only this function loads ioredis. */
export async function createClient(address: string | object, attempt: ConnectionAttempt): Promise<RedisClient> {
  const { Redis } = await loadIoredis();
  const settings = settingsOf(attempt);
  return typeof address === 'string'
    ? new Redis(address, settings)
    : new Redis({ ...address, ...settings, ...sentinelsOf(address, attempt) });
}

async function loadIoredis(): Promise<Pick<typeof import('ioredis'), 'Redis'>> {
  try {
    return await import('ioredis');
  } catch (cause) {
    throw new Error(`a connection needs the package ioredis (npm install ioredis): ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Makes a client for one node of a Redis Cluster with the credentials and TLS options of the cluster's client. */
export function createNodeClient(cluster: RedisClient, node: NodeAddress, attempt: ConnectionAttempt): RedisClient {
  const template = nodesOf(cluster)[0];
  if (!template) throw new Error('the client of the Redis Cluster has no connection to any node');
  return template.duplicate({ ...settingsOf(attempt), ...node, readOnly: false });
}

/** Returns true for a client of a Redis Cluster. */
export function isClusterClient(client: RedisClient): boolean {
  return (client as ClientDetails).isCluster === true;
}

/** The nodes that a client of a Redis Cluster has connections to. */
export function addressesOf(cluster: RedisClient): NodeAddress[] {
  return nodesOf(cluster).flatMap(({ options }) => {
    const { host, port } = options ?? {};
    return host === undefined || port === undefined ? [] : [{ host, port }];
  });
}

/** Translates an address that a Redis Cluster announces, by the option `natMap` of its client. */
export function translateAddress(cluster: RedisClient, address: NodeAddress): NodeAddress {
  const natMap = (cluster as ClientDetails).options?.natMap;
  if (!natMap) return address;
  const key = `${address.host}:${address.port}`;
  return (typeof natMap === 'function' ? natMap(key) : natMap[key]) ?? address;
}

/** The prefix that a client adds to the keys of all commands. */
export function keyPrefixOf(client: RedisClient): string {
  const { options } = client as ClientDetails;
  return options?.keyPrefix ?? options?.redisOptions?.keyPrefix ?? '';
}

/** Returns true for a client of ioredis. */
export function isRedisClient(value: unknown): value is RedisClient {
  const client = value as Partial<RedisClient> | null;
  return (
    typeof client === 'object' &&
    client !== null &&
    [client.call, client.duplicate, client.connect, client.disconnect].every((method) => typeof method === 'function')
  );
}

function nodesOf(cluster: RedisClient): readonly ClientDetails[] {
  return (cluster as ClientDetails).nodes?.() ?? [];
}

/** Begins each attempt with another Sentinel, as ioredis waits long for one that hangs. */
function sentinelsOf(options: Options | undefined, { failures }: ConnectionAttempt): { sentinels?: object[] } {
  const sentinels = options?.sentinels;
  if (!sentinels || sentinels.length === 0) return {};
  const first = failures % sentinels.length;
  return { sentinels: [...sentinels.slice(first), ...sentinels.slice(0, first)] };
}
