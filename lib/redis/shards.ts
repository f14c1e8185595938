import type { ConnectionSource } from './redis-connector.js';
import { createNodeClient, isClusterClient, translateAddress, type NodeAddress } from './redis-client.js';
import type { RedisConnection } from './redis-connection.js';
import { RedisUnavailableError } from './redis-error.js';

const SLOTS = 16_384;

/** A server with a part of the channels: a single Redis, or the primary of one shard of a Redis Cluster. */
export interface Shard {
  /** Changes when another server serves the shard. */
  readonly id: string;
  /** `undefined` for a single Redis. */
  readonly address?: NodeAddress;
}

/** The servers, and the slots that each of them has. */
export interface ShardMap {
  readonly shards: ReadonlyMap<string, Shard>;
  /** @returns The id of a shard; `undefined` if no server has the slot. */
  shardOf(slot: number): string | undefined;
}

const ONLY: Shard = { id: '' };

/** The map of a single Redis. */
export const SINGLE: ShardMap = { shards: new Map([[ONLY.id, ONLY]]), shardOf: () => ONLY.id };

/** Asks a Redis Cluster for its primaries and their slots. @throws RedisUnavailableError */
export async function readShardMap(commands: RedisConnection): Promise<ShardMap> {
  if (!isClusterClient(commands.client)) return SINGLE;
  const ranges = (await commands.ask('cluster', 'slots')) as [number, number, [string | null, number]][];
  const shards = new Map<string, Shard>();
  const owners: (string | undefined)[] = Array.from({ length: SLOTS });
  for (const [first, last, [host, port]] of ranges) {
    if (!host) continue;
    const address = translateAddress(commands.client, { host, port });
    const id = `${address.host}:${address.port}`;
    if (!shards.has(id)) shards.set(id, { id, address });
    owners.fill(id, first, last + 1);
  }
  if (shards.size === 0) throw new RedisUnavailableError('no server of the Redis Cluster has any slots');
  return { shards, shardOf: (slot) => owners[slot] };
}

/** Returns true if all channels are on the same servers in both maps. */
export function isSameMap(one: ShardMap, other: ShardMap): boolean {
  if (one === other) return true;
  for (let slot = 0; slot < SLOTS; slot++) if (one.shardOf(slot) !== other.shardOf(slot)) return false;
  return true;
}

/** Returns a function that makes clients of the server of a shard; `otherwise` for a single Redis. */
export function shardClientFactory(
  { address }: Shard,
  commands: RedisConnection,
  otherwise: ConnectionSource['createClient'],
): typeof otherwise {
  return address ? (attempt) => createNodeClient(commands.client, address, attempt) : otherwise;
}

/** The slot of a key or channel: a checksum of the text in its first braces, or of all of it if there are none. */
export function slotOf(key: string): number {
  const open = key.indexOf('{');
  const close = open < 0 ? -1 : key.indexOf('}', open + 1);
  const hashed = close > open + 1 ? key.slice(open + 1, close) : key;
  let crc = 0;
  for (const byte of Buffer.from(hashed)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : crc << 1;
  }
  return crc % SLOTS;
}

/**
 * Finds a channel that is on a shard.
 * @param name Makes the name of a channel from a tag in braces, which chooses the slot.
 * @returns `undefined` if braces in the prefix choose the slot, and it is on another shard.
 */
export function channelOn(shard: Shard, map: ShardMap, name: (tag: string) => string): string | undefined {
  // Braces in the prefix come first, so that tags have no effect.
  const isFixed = slotOf(name('0')) === slotOf(name('1'));
  for (let tag = 0; tag < (isFixed ? 1 : 100 * SLOTS); tag++) {
    const channel = name(String(tag));
    if (map.shardOf(slotOf(channel)) === shard.id) return channel;
  }
  return undefined;
}
