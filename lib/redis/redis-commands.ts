import { createHash } from 'node:crypto';
import type { RedisArgument, RedisClient } from './redis-client.js';

/** A Lua script, which Redis runs as a whole. */
export class Script {
  readonly digest: string;

  constructor(readonly source: string) {
    this.digest = createHash('sha1').update(source).digest('hex');
  }
}

/** Redis did not answer, or with an error. */
export class RedisUnavailableError extends Error {
  override readonly name = 'RedisUnavailableError';
  readonly code = 'CLUSTER_UNAVAILABLE';

  constructor(
    message: string,
    /** Whether there was no answer in time. */
    readonly isSilent = false,
  ) {
    super(message);
  }
}

/** The commands of one connection, each with an end in time. */
export class RedisCommands {
  #connecting: Promise<unknown> | undefined;
  #becomingReady: Promise<void> | undefined;

  constructor(
    readonly client: RedisClient,
    private readonly timeout: number,
  ) {}

  /** Whether commands can be sent just now. */
  get isReady(): boolean {
    return this.client.status === 'ready';
  }

  /**
   * Sends a command, as soon as there is a connection.
   * @throws RedisUnavailableError if there is no answer within the timeout, or an error.
   */
  async ask(command: string, ...args: RedisArgument[]): Promise<unknown> {
    const deadline = performance.now() + this.timeout;
    if (!this.isReady) await this.ready(this.timeout);
    const left = Math.max(deadline - performance.now(), 1);
    return within(left, this.client.call(command, ...args), command);
  }

  /** Runs a script, which Redis keeps for the next time. All keys are in one slot of a Redis Cluster. */
  async run({ digest, source }: Script, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown> {
    try {
      return await this.ask('evalsha', digest, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error as Error).message.startsWith('NOSCRIPT')) throw error;
      return this.ask('eval', source, keys.length, ...keys, ...args);
    }
  }

  /**
   * Waits for the connection, which is made if it was not.
   * @throws RedisUnavailableError if it takes longer than `timeout` ms.
   */
  async ready(timeout: number): Promise<void> {
    if (this.isReady) return;
    if (this.client.status === 'wait' && !this.#connecting) {
      // Whether it fails is seen by the status; the client itself tries again.
      this.#connecting = this.client.connect().catch(() => undefined);
      void this.#connecting.finally(() => (this.#connecting = undefined));
    }
    // One for all who wait.
    this.#becomingReady ??= new Promise<void>((resolve) => {
      const listener = () => {
        this.client.off('ready', listener);
        this.#becomingReady = undefined;
        resolve();
      };
      this.client.on('ready', listener);
    });
    await within(timeout, this.#becomingReady, 'connecting');
  }
}

async function within<T>(timeout: number, answer: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new RedisUnavailableError(`no answer to ${what} in time`, true)), timeout);
  });
  try {
    return await Promise.race([answer, late]);
  } catch (error) {
    throw error instanceof RedisUnavailableError ? error : new RedisUnavailableError((error as Error).message);
  } finally {
    clearTimeout(timer);
  }
}
