import type { Keys } from './keys.js';
import type { RedisConnection } from './redis-connection.js';

/** Asks Redis, and fails as whoever asks has to. */
type Ask = (operation: () => Promise<unknown>) => Promise<unknown>;

/** One life of a node: `<node>.<number>`. */
export function incarnationOf(member: string): string {
  return member.slice(0, member.indexOf('/'));
}

/**
 * Finds those incarnations that are dead, and will be for ever.
 * @param areLost Whether a node without a lease is dead, as nodes had time enough to tell that they are alive.
 */
export async function findDeadIncarnations(
  incarnations: Iterable<string>,
  areLost: boolean,
  keys: Keys,
  commands: RedisConnection,
  ask: Ask = (operation) => operation(),
): Promise<string[]> {
  const checked = [...new Set(incarnations)].map(async (incarnation) => {
    const dot = incarnation.lastIndexOf('.');
    const lease = (await ask(() => commands.ask('get', keys.node(incarnation.slice(0, dot))))) as string | null;
    const isDead = lease === null ? areLost : Number(incarnation.slice(dot + 1)) < Number(lease);
    return isDead ? [incarnation] : [];
  });
  return (await Promise.all(checked)).flat();
}
