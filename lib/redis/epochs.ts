import type { Keys } from './keys.js';
import type { RedisConnection } from './redis-connection.js';

/** Runs a command and translates its error for the caller. */
type Ask = (operation: () => Promise<unknown>) => Promise<unknown>;

/** The epoch of a member: `<node>.<number>`. */
export function epochOf(member: string): string {
  return member.slice(0, member.indexOf('/'));
}

/**
 * Finds the epochs that are dead. They never come back.
 * @param areLost Whether a node without a lease is dead, as nodes had time enough to tell that they are alive.
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
