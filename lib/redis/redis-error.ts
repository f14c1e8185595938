import { withTimeout } from '../common/timeout.js';

/** Redis did not answer in time, refused the command, or cannot be reached. */
export class RedisUnavailableError extends Error {
  override readonly name = 'RedisUnavailableError';
  readonly code = 'CLUSTER_UNAVAILABLE';

  constructor(
    message: string,
    /** True if there was no answer in time. */
    readonly isSilent = false,
  ) {
    super(message);
  }

  /** True if the server cannot run the command in its present role or state, but another server may. */
  get isWrongServer(): boolean {
    return isWrongServerError(this.message);
  }
}

/**
 * The errors of a replica, of a server that is loading its data, and of a Redis Cluster that is failing over. The
 * command was not executed. The last three are messages of ioredis.
 */
const WRONG_SERVER =
  /^(?:READONLY|MASTERDOWN|LOADING|CLUSTERDOWN) |^Too many Cluster redirections|^Failed to refresh slots cache|^Cluster is ended/;

export function isWrongServerError(message: string): boolean {
  return WRONG_SERVER.test(message);
}

/** Describes an error of a connection. */
export function describe(error: Error): string {
  // An AggregateError for several addresses has no message.
  return error.message || (error as NodeJS.ErrnoException).code || error.name;
}

/**
 * Waits for an answer for `timeout` ms.
 * @throws RedisUnavailableError if it takes longer, or is an error.
 */
export async function within<T>(timeout: number, answer: Promise<T>, what: string): Promise<T> {
  try {
    return await withTimeout(answer, timeout, () => new RedisUnavailableError(`no answer to ${what} in time`, true));
  } catch (error) {
    throw error instanceof RedisUnavailableError ? error : new RedisUnavailableError(describe(error as Error));
  }
}
