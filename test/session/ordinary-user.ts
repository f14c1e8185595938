/** The id of the user and group `nobody`. */
export const ORDINARY_USER = 65_534;

/**
 * Runs a task as a user to whom permissions apply, which they do not to root.
 * @param prepare Runs before, as the user of the process.
 */
export async function asOrdinaryUser<T>(prepare: () => void, task: () => Promise<T>): Promise<T> {
  prepare();
  const isRoot = process.getuid?.() === 0;
  if (isRoot) process.seteuid!(ORDINARY_USER);
  try {
    return await task();
  } finally {
    if (isRoot) process.seteuid!(0);
  }
}
