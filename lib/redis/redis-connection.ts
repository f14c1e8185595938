import {
  addressesOf,
  isClusterClient,
  keyPrefixOf,
  type ConnectionAttempt,
  type NodeAddress,
  type RedisArgument,
  type RedisClient,
} from './redis-client.js';
import { describe, isWrongServerError, RedisUnavailableError, within } from './redis-error.js';
import type { Script } from './script.js';

/** Settings of a connection. */
export interface ConnectionSource {
  /** Name of the connection in Redis' `CLIENT LIST`. */
  readonly name: string;
  /** The time in which Redis has to answer, in ms. */
  readonly commandTimeout: number;
  /** Makes a client that is not connected yet. */
  readonly createClient: (attempt: ConnectionAttempt) => Promise<RedisClient> | RedisClient;
  /** A client of the application. It is used until it fails, and never closed. */
  readonly given?: RedisClient;
}

/** Notifications of a connection. */
export interface ConnectionListener {
  /** Called for a new client before it connects, to add event listeners. */
  created?(client: RedisClient): void;
  ready?(): void;
  /** Called when the connection was lost. The next one is being made. */
  lost?(reason: string): void;
}

/** Longest wait before the next attempt to connect, in ms. */
const MAX_RETRY_DELAY = 1_000;

function retryDelay(failures: number): number {
  return Math.min(25 * 2 ** Math.min(failures, 10), MAX_RETRY_DELAY) * (0.5 + Math.random() / 2);
}

/**
 * A connection to Redis. When an answer does not arrive in time, or shows that the server is the wrong one, a new client
 * takes over, which finds Redis again: by DNS, Sentinel or the nodes of the Redis Cluster.
 *
 * The first call of `ready()` or `ask()` connects.
 */
export class RedisConnection {
  #client: RedisClient | undefined;
  readonly #given: RedisClient | undefined;
  /** Clients of a Redis Cluster whose last commands may still be answered. */
  readonly #retiring = new Map<RedisClient, NodeJS.Timeout>();
  #connecting: Promise<void> | undefined;
  /** Number of failures since the last answer. */
  #failures = 0;
  #nodes: readonly NodeAddress[] = [];
  #readyAt = -Infinity;
  #isClosed = false;
  #wake: (() => void) | undefined;
  /** The last error of a connection attempt. Attempts repeat it while Redis is away, so only the owner logs it, once. */
  lastError = 'no answer';

  constructor(
    private readonly source: ConnectionSource,
    private readonly listener: ConnectionListener = {},
  ) {
    this.#given = source.given;
    this.#client = source.given;
  }

  /** True if commands can be sent now. */
  get isReady(): boolean {
    return this.#client?.status === 'ready';
  }

  /** True for a Redis Cluster; false before the first client was made. */
  get isClustered(): boolean {
    return this.#client !== undefined && isClusterClient(this.#client);
  }

  /** The client in use. @throws RedisUnavailableError if there is none. */
  get client(): RedisClient {
    if (!this.#client) throw new RedisUnavailableError('there is no connection to Redis');
    return this.#client;
  }

  /**
   * Sends a command as soon as there is a connection. If the wrong server refused it, sends it again to the next server.
   * @throws RedisUnavailableError if there is no answer within the `commandTimeout`, or if the answer is an error.
   */
  async ask(command: string, ...args: RedisArgument[]): Promise<unknown> {
    const deadline = performance.now() + this.source.commandTimeout;
    const left = () => Math.max(deadline - performance.now(), 1);
    let refusal: unknown;
    for (;;) {
      try {
        if (!this.isReady) await this.ready(left());
      } catch (error) {
        throw refusal ?? error;
      }
      const { client } = this;
      const time = left();
      let answer: unknown;
      try {
        answer = await within(time, client.call(command, ...args), command);
      } catch (error) {
        const { isSilent, isWrongServer, message } = error as RedisUnavailableError;
        // After a long wait for the connection, too little time was left to blame the connection for a late answer.
        const isTooSlow = isSilent && time > this.source.commandTimeout / 2;
        if (isTooSlow || isWrongServer) this.replace(message, client);
        if (isSilent && refusal) throw refusal;
        if (!isWrongServer || performance.now() >= deadline) throw error;
        refusal = error;
        // A client of a Redis Cluster stays in use until there is another one.
        if (this.#connecting) await within(left(), this.#connecting, 'connecting').catch(() => undefined);
        continue;
      }
      this.#failures = 0;
      return answer;
    }
  }

  /** Runs a script, by its digest if Redis has it already. All keys must be in one slot of a Redis Cluster. */
  async run({ digest, source }: Script, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown> {
    try {
      return await this.ask('evalsha', digest, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error as Error).message.startsWith('NOSCRIPT')) throw error;
      return this.ask('eval', source, keys.length, ...keys, ...args);
    }
  }

  /** Sends a command without a timeout. */
  send(command: string, ...args: RedisArgument[]): Promise<unknown> {
    return this.#client ? this.#client.call(command, ...args) : Promise.reject(new Error('there is no connection'));
  }

  /**
   * Connects if there is no connection, and waits for it.
   * @throws RedisUnavailableError if it takes longer than `timeout` ms.
   */
  async ready(timeout: number): Promise<void> {
    if (this.isReady) return;
    if (this.#isClosed) throw new RedisUnavailableError('the connection to Redis is closed');
    const client = this.#client;
    if (!client || client !== this.#given) return within(timeout, this.#connect(), 'connecting');
    if (client.status === 'end') throw new RedisUnavailableError('the client of Redis is closed');
    try {
      await this.#givenReady(client, timeout);
    } catch (error) {
      this.replace((error as Error).message, client);
      throw error;
    }
  }

  /**
   * Replaces the connection. The client of a Redis Cluster stays in use until the new one is ready, as other shards may
   * still answer.
   * @param client The client that failed. If it was replaced already, nothing happens.
   */
  replace(reason: string, client = this.#client): void {
    if (this.#isClosed || client !== this.#client || this.#connecting) return;
    this.#failures++;
    if (client) this.#remember(client);
    if (client && !(isClusterClient(client) && client.status === 'ready')) {
      this.#client = undefined;
      this.#disconnect(client);
      this.listener.lost?.(reason);
    }
    void this.#connect();
  }

  /** Replaces the connection if an error shows that the server is the wrong one, unless the connection is new. */
  replaceIfWrongServer(error: string): void {
    const isNew = performance.now() - this.#readyAt < MAX_RETRY_DELAY;
    if (isWrongServerError(error) && !isNew) this.replace(error);
  }

  close(): void {
    this.#isClosed = true;
    this.#wake?.();
    if (this.#client) this.#disconnect(this.#client);
    for (const [client, timer] of this.#retiring) {
      clearTimeout(timer);
      client.disconnect();
    }
    this.#retiring.clear();
  }

  #disconnect(client: RedisClient): void {
    if (client !== this.#given) client.disconnect();
  }

  async #givenReady(client: RedisClient, timeout: number): Promise<void> {
    let listener: (() => void) | undefined;
    const isReady = new Promise<void>((resolve) => {
      listener = resolve;
      client.on('ready', resolve);
    });
    // A failure is visible in the status, and the client itself tries again.
    if (client.status === 'wait') client.connect().catch(() => undefined);
    await within(timeout, isReady, 'connecting').finally(() => client.off('ready', listener!));
  }

  #connect(): Promise<void> {
    this.#connecting ??= this.#connectUntilReady().finally(() => (this.#connecting = undefined));
    return this.#connecting;
  }

  /** Never rejects. */
  async #connectUntilReady(): Promise<void> {
    while (!this.#isClosed) {
      if (this.#failures > 0) await this.#pause(retryDelay(this.#failures));
      if (this.#isClosed) return;
      const client = await this.#attempt();
      if (client) {
        this.#adopt(client);
        return;
      }
      this.#failures++;
    }
  }

  /** @returns A client that is ready; `undefined` if the attempt failed. */
  async #attempt(): Promise<RedisClient | undefined> {
    const { name, commandTimeout } = this.source;
    let client: RedisClient | undefined;
    try {
      client = await this.source.createClient({
        name,
        commandTimeout,
        failures: this.#failures,
        nodes: this.#nodes,
        keyPrefix: this.#given ? keyPrefixOf(this.#given) : '',
      });
      client.on('error', (error: Error) => (this.lastError = describe(error)));
      this.listener.created?.(client);
      // Not only the connection may hang, but also a ready check, a Sentinel or a node of the cluster.
      await within(2 * commandTimeout, client.connect(), 'connecting');
      if (client.status === 'ready') return client;
    } catch (error) {
      if (!(error as RedisUnavailableError).isSilent && this.lastError === 'no answer')
        this.lastError = (error as Error).message;
    }
    client?.disconnect();
    return undefined;
  }

  #adopt(client: RedisClient): void {
    if (this.#isClosed) {
      client.disconnect();
      return;
    }
    const before = this.#client;
    this.#client = client;
    this.#readyAt = performance.now();
    this.lastError = 'no answer';
    if (before && before !== this.#given) this.#retire(before);
    this.#remember(client);
    client.on('close', () => this.#closed(client));
    this.listener.ready?.();
  }

  /** Keeps the addresses of the nodes: when the client is replaced, the configured ones may no longer exist. */
  #remember(client: RedisClient): void {
    const nodes = isClusterClient(client) ? addressesOf(client) : [];
    if (nodes.length > 0) this.#nodes = nodes;
  }

  #retire(client: RedisClient): void {
    const timer = setTimeout(() => {
      this.#retiring.delete(client);
      client.disconnect();
    }, this.source.commandTimeout);
    this.#retiring.set(client, timer);
  }

  #closed(client: RedisClient): void {
    if (this.#isClosed || client !== this.#client) return;
    this.#client = undefined;
    this.#failures++;
    this.listener.lost?.('the connection was closed');
    void this.#connect();
  }

  async #pause(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
  }
}
