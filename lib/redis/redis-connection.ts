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

/** How a connection is made. */
export interface ConnectionSource {
  /** Name of the connection in Redis' `CLIENT LIST`. */
  readonly name: string;
  /** How long Redis may take to answer, in ms. */
  readonly commandTimeout: number;
  /** Makes a client that is not connected yet. */
  readonly createClient: (attempt: ConnectionAttempt) => Promise<RedisClient> | RedisClient;
  /** A client of the application: it is used until it fails, and never closed. */
  readonly given?: RedisClient;
}

/** Notifications of a connection. */
export interface ConnectionListener {
  /** A new client is about to connect: event listeners can be added to it. */
  created?(client: RedisClient): void;
  ready?(): void;
  /** The connection is gone; another one is being made. */
  lost?(reason: string): void;
}

/** Longest wait before the next attempt to connect, in ms. */
const MAX_RETRY_DELAY = 1_000;

function retryDelay(failures: number): number {
  return Math.min(25 * 2 ** Math.min(failures, 10), MAX_RETRY_DELAY) * (0.5 + Math.random() / 2);
}

/**
 * A connection to Redis that is judged by its answers. When one does not come in time, or says that the server is the
 * wrong one, a new client takes over, which looks for Redis again: by DNS, Sentinel or the nodes of the Redis Cluster.
 *
 * Nothing is connected before `ready()` or `ask()` is called.
 */
export class RedisConnection {
  #client: RedisClient | undefined;
  readonly #given: RedisClient | undefined;
  /** Clients of a Redis Cluster whose last commands may still be answered. */
  readonly #retiring = new Map<RedisClient, NodeJS.Timeout>();
  #connecting: Promise<void> | undefined;
  /** Failures since the last answer. */
  #failures = 0;
  #nodes: readonly NodeAddress[] = [];
  #readyAt = -Infinity;
  #isClosed = false;
  #wake: (() => void) | undefined;
  /** The last error of a connection attempt: clients repeat it while Redis is away, so it is logged once by the owner. */
  lastError = 'no answer';

  constructor(
    private readonly source: ConnectionSource,
    private readonly listener: ConnectionListener = {},
  ) {
    this.#given = source.given;
    this.#client = source.given;
  }

  /** Whether commands can be sent now. */
  get isReady(): boolean {
    return this.#client?.status === 'ready';
  }

  /** Whether Redis is a Redis Cluster, as far as that is known. */
  get isClustered(): boolean {
    return this.#client !== undefined && isClusterClient(this.#client);
  }

  /** The client in use. @throws RedisUnavailableError if there is none. */
  get client(): RedisClient {
    if (!this.#client) throw new RedisUnavailableError('there is no connection to Redis');
    return this.#client;
  }

  /**
   * Sends a command, as soon as there is a connection. A command that the wrong server refused is sent again to the next
   * one.
   * @throws RedisUnavailableError if there is no answer within the `commandTimeout`, or an error.
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
        // After a long wait for the connection, a late answer says nothing about it.
        const isJudged = isSilent && time > this.source.commandTimeout / 2;
        if (isJudged || isWrongServer) this.replace(message, client);
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

  /** Runs a script, which Redis keeps for the next time. All keys are in one slot of a Redis Cluster. */
  async run({ digest, source }: Script, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown> {
    try {
      return await this.ask('evalsha', digest, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error as Error).message.startsWith('NOSCRIPT')) throw error;
      return this.ask('eval', source, keys.length, ...keys, ...args);
    }
  }

  /** Sends a command without a limit in time. */
  send(command: string, ...args: RedisArgument[]): Promise<unknown> {
    return this.#client ? this.#client.call(command, ...args) : Promise.reject(new Error('there is no connection'));
  }

  /**
   * Waits for the connection, which is made if there is none.
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
   * Makes a new connection in place of the present one. That of a Redis Cluster is used until then, as other shards may
   * still answer.
   * @param client The client that failed. Does nothing if it was replaced already.
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

  /** Looks for Redis again after a reply that shows the wrong server, unless the connection is new. */
  reconsider(error: string): void {
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
    // The status shows whether it fails, and the client itself tries again.
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

  /** @returns A client that is ready; `undefined` if it did not become so in time. */
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
      // A ready check, a Sentinel or a node of the cluster may hang, too.
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

  /** The nodes that are known now may be all that is left of the cluster later. */
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
