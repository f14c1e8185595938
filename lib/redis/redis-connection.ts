import { RedisConnector, MAX_RETRY_DELAY, type ConnectionSource } from './redis-connector.js';
import { isClusterClient, type RedisArgument, type RedisClient } from './redis-client.js';
import { isWrongServerError, RedisUnavailableError, within } from './redis-error.js';
import type { Script } from './script.js';

/** Notifications of a connection. */
export interface ConnectionListener {
  /** Called for a new client before it connects, to add event listeners. */
  created?(client: RedisClient): void;
  ready?(): void;
  /** Called when the connection was lost. The next one is being made. */
  lost?(reason: string): void;
}

/**
 * A connection to Redis. When an answer does not arrive in time, or shows that the server is the wrong one, a new client
 * takes over, which finds Redis again: by DNS, Sentinel or the nodes of the Redis Cluster.
 *
 * The first call of `ready()` or `ask()` connects.
 */
export class RedisConnection {
  readonly #connector: RedisConnector;
  #client: RedisClient | undefined;
  readonly #given: RedisClient | undefined;
  /** Clients of a Redis Cluster whose last commands may still be answered. */
  readonly #retiring = new Map<RedisClient, NodeJS.Timeout>();
  #connecting: Promise<void> | undefined;
  #readyAt = -Infinity;
  #isClosed = false;

  constructor(
    private readonly source: ConnectionSource,
    private readonly listener: ConnectionListener = {},
  ) {
    this.#connector = new RedisConnector(source, (client) => listener.created?.(client));
    this.#given = source.given;
    this.#client = source.given;
  }

  /** The last error of an attempt to connect. Attempts repeat it while Redis is away, so only the owner logs it, once. */
  get lastError(): string {
    return this.#connector.lastError;
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
      this.#connector.succeeded();
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
    this.#connector.failed(client);
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
    this.#connector.close();
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
    this.#connecting ??= this.#replaceClient().finally(() => (this.#connecting = undefined));
    return this.#connecting;
  }

  /** Never rejects. */
  async #replaceClient(): Promise<void> {
    const client = await this.#connector.connect();
    if (client) this.#adopt(client);
  }

  #adopt(client: RedisClient): void {
    if (this.#isClosed) {
      client.disconnect();
      return;
    }
    const before = this.#client;
    this.#client = client;
    this.#readyAt = performance.now();
    if (before && before !== this.#given) this.#retire(before);
    client.on('close', () => this.#closed(client));
    this.listener.ready?.();
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
    this.#connector.failed();
    this.listener.lost?.('the connection was closed');
    void this.#connect();
  }
}
