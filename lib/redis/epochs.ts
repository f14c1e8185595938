import type { Keys } from './keys.js';
import type { RedisConnection } from './redis-connection.js';

/** Runs a command and translates its error for the caller. */
type Ask = (operation: () => Promise<unknown>) => Promise<unknown>;

/** The epoch of an entry `<epoch>/<member>`: `<node>.<number>`. */
export function epochOf(entry: string): string {
  return entry.slice(0, entry.indexOf('/'));
}

/**
 * Finds the epochs that are dead. A dead epoch never becomes valid again.
 * @param areLost True if nodes without a lease are dead: all nodes that are alive had enough time to renew theirs.
 */
export async function findDeadEpochs(
  epochs: Iterable<string>,
  areLost: boolean,
  keys: Keys,
  commands: RedisConnection,
  ask: Ask = (operation) => operation(),
): Promise<string[]> {
  const checked = [...new Set(epochs)].map(async (epoch) => {
    const dot = epoch.lastIndexOf('.');
    const lease = (await ask(() => commands.ask('get', keys.node(epoch.slice(0, dot))))) as string | null;
    const isDead = lease === null ? areLost : Number(epoch.slice(dot + 1)) < Number(lease);
    return isDead ? [epoch] : [];
  });
  return (await Promise.all(checked)).flat();
}
