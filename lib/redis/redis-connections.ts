import { isClusterClient, type RedisClient } from './redis-client.js';
import { RedisCommands, RedisUnavailableError } from './redis-commands.js';
import type { RedisPlace } from './redis-options.js';

/** What is told of both connections. */
export interface LinkListener {
  /** A message arrived. */
  message(message: Buffer): void;
  /** A connection was lost, or moved to where messages may have been missed. */
  interrupted(reason: string): void;
  /** Both connections are there, after one was lost. */
  ready(): void;
}

/** The two connections of a node: one for commands, one that listens. */
export class RedisConnections {
  #commands: RedisCommands | undefined;
  #subscriber: RedisCommands | undefined;

  constructor(private readonly place: RedisPlace) {}

  /** @throws RedisUnavailableError before `open()` */
  get commands(): RedisCommands {
    if (!this.#commands) throw new RedisUnavailableError('there is no connection yet');
    return this.#commands;
  }

  /** @throws RedisUnavailableError before `open()` */
  get subscriber(): RedisCommands {
    if (!this.#subscriber) throw new RedisUnavailableError('there is no connection yet');
    return this.#subscriber;
  }

  /**
   * @param timeout How long to wait for Redis, in ms.
   * @throws RedisUnavailableError if there is no Redis, or too old a one.
   */
  async open(timeout: number, listener: LinkListener): Promise<void> {
    const { place } = this;
    const [commands, subscriber] = await Promise.all([place.connect('webwire'), place.connect('webwire-subscriber')]);
    this.#commands = new RedisCommands(commands, place.commandTimeout);
    this.#subscriber = new RedisCommands(subscriber, place.commandTimeout);
    let lastError = 'no answer';
    // What it says again and again while Redis is away is said once, when the connection is lost.
    for (const client of [commands, subscriber]) client.on('error', (error: Error) => (lastError = describe(error)));
    try {
      await Promise.all([this.#commands.ready(timeout), this.#subscriber.ready(timeout)]);
      // Not everybody may ask; then commands that are not there will tell.
      assertVersion(String(await this.#commands.ask('info', 'server').catch(() => '')));
    } catch (error) {
      const { message, isSilent } = error as RedisUnavailableError;
      throw new RedisUnavailableError(`RedisCluster cannot use Redis: ${isSilent ? lastError : message}`);
    }
    this.#watch(commands, 'its connection for commands was lost', listener);
    this.#watch(subscriber, 'its connection for messages was lost', listener);
    subscriber.on('smessageBuffer', (_channel: Buffer, message: Buffer) => listener.message(message));
    if (isClusterClient(subscriber)) {
      subscriber.on('-subscriber', () => listener.interrupted('a shard cannot be listened to'));
      subscriber.on('subscribersReady', () => listener.interrupted('shards have moved'));
    }
  }

  /** Never fails. */
  close(): void {
    this.#commands?.client.disconnect();
    this.#subscriber?.client.disconnect();
  }

  #watch(client: RedisClient, reason: string, listener: LinkListener): void {
    client.on('close', () => listener.interrupted(reason));
    client.on('ready', () => {
      if (this.commands.isReady && this.subscriber.isReady) listener.ready();
    });
  }
}

/** Sharded channels came with version 7. */
function assertVersion(info: string): void {
  const version = /^redis_version:(\d+)\.\S*/m.exec(info);
  if (version && Number(version[1]) < 7) {
    throw new RedisUnavailableError(
      `it needs version 7 or later, this is ${version[0].slice('redis_version:'.length)}`,
    );
  }
}

function describe(error: Error): string {
  // Of several addresses that were tried, each has an error of its own.
  return error.message || (error as NodeJS.ErrnoException).code || error.name;
}
