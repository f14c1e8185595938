import {
  addressesOf,
  isClusterClient,
  keyPrefixOf,
  type ConnectionAttempt,
  type NodeAddress,
  type RedisClient,
} from './redis-client.js';
import { describe, within, type RedisUnavailableError } from './redis-error.js';

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

/** Longest wait before the next attempt to connect, in ms. */
export const MAX_RETRY_DELAY = 1_000;

function retryDelay(failures: number): number {
  return Math.min(25 * 2 ** Math.min(failures, 10), MAX_RETRY_DELAY) * (0.5 + Math.random() / 2);
}

/** Makes the clients of a connection. It tries again until one is ready, after a pause that grows with each failure. */
export class RedisConnector {
  /** The last error of an attempt, or of the last client. */
  lastError = 'no answer';
  /** Number of failures since the last answer. */
  #failures = 0;
  #nodes: readonly NodeAddress[] = [];
  #isClosed = false;
  #wake: (() => void) | undefined;

  constructor(
    private readonly source: ConnectionSource,
    /** Called for a new client before it connects. */
    private readonly onCreated: (client: RedisClient) => void,
  ) {}

  /**
   * Makes a client and connects it. Never rejects.
   * @returns A client that is ready; `undefined` after `close()`.
   */
  async connect(): Promise<RedisClient | undefined> {
    while (!this.#isClosed) {
      if (this.#failures > 0) await this.#pause(retryDelay(this.#failures));
      if (this.#isClosed) return undefined;
      const client = await this.#attempt();
      if (client) {
        this.lastError = 'no answer';
        this.#remember(client);
        return client;
      }
      this.#failures++;
    }
    return undefined;
  }

  /** Called when Redis has answered: the next attempt needs no pause. */
  succeeded(): void {
    this.#failures = 0;
  }

  /** Called when the client in use has failed. */
  failed(client?: RedisClient): void {
    this.#failures++;
    if (client) this.#remember(client);
  }

  /** Ends the attempts. */
  close(): void {
    this.#isClosed = true;
    this.#wake?.();
  }

  async #attempt(): Promise<RedisClient | undefined> {
    const { name, commandTimeout, given } = this.source;
    let client: RedisClient | undefined;
    try {
      client = await this.source.createClient({
        name,
        commandTimeout,
        failures: this.#failures,
        nodes: this.#nodes,
        keyPrefix: given ? keyPrefixOf(given) : '',
      });
      client.on('error', (error: Error) => (this.lastError = describe(error)));
      this.onCreated(client);
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

  /** Keeps the addresses of the nodes: when the client is replaced, the configured ones may no longer exist. */
  #remember(client: RedisClient): void {
    const nodes = isClusterClient(client) ? addressesOf(client) : [];
    if (nodes.length > 0) this.#nodes = nodes;
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
