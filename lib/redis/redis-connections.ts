import { ChannelSubscriptions, type SubscriptionsHost } from './channel-subscriptions.js';
import type { Keys } from './keys.js';
import { RedisConnection } from './redis-connection.js';
import { isWrongServerError, RedisUnavailableError } from './redis-error.js';
import type { RedisAddress } from './redis-options.js';

/** Notifications of the connections of a node. */
export interface ConnectionsListener extends Pick<SubscriptionsHost, 'message' | 'resubscribed' | 'suspected'> {
  /** A connection was lost, so messages and answers may be. */
  interrupted(reason: string): void;
  /** The connection for commands was lost, with the commands under way. */
  commandsLost(): void;
  /** All connections are ready, after one was not. */
  ready(): void;
}

/** The connections of a node: one for commands, and one for messages for each server. */
export class RedisConnections {
  readonly commands: RedisConnection;
  readonly subscriptions: ChannelSubscriptions;

  constructor(address: RedisAddress, keys: Keys, nodeId: string, listener: ConnectionsListener) {
    const { commandTimeout, createClient } = address;
    const ready = () => {
      if (this.commands.isReady && this.subscriptions.isReady) listener.ready();
    };
    this.commands = new RedisConnection(
      { name: 'webwire', commandTimeout, createClient },
      {
        ready,
        lost: (reason) => {
          listener.commandsLost();
          listener.interrupted(`its connection for commands was lost: ${reason}`);
          // A replica still delivers messages, for as long as its primary is the right one.
          if (isWrongServerError(reason)) this.subscriptions.replaceConnections(reason);
        },
      },
    );
    this.subscriptions = new ChannelSubscriptions({
      commands: this.commands,
      source: { name: 'webwire-subscriber', commandTimeout, createClient },
      probeChannel: (tag) => keys.probeChannel(nodeId, tag),
      idleChannel: (tag) => keys.idleChannel(tag),
      message: (message) => listener.message(message),
      ready,
      lost: (reason) => listener.interrupted(`its connection for messages was lost: ${reason}`),
      suspected: () => listener.suspected(),
      resubscribed: (channels) => listener.resubscribed(channels),
    });
  }

  /**
   * @param timeout How long to wait for Redis, in ms.
   * @throws RedisUnavailableError if there is no Redis, or too old a one.
   */
  async open(timeout: number): Promise<void> {
    const { commands, subscriptions } = this;
    try {
      await commands.ready(timeout);
      // Without the permission for INFO, the commands that an old server lacks fail later.
      assertVersion(String(await commands.ask('info', 'server').catch(() => '')));
      await subscriptions.open(timeout);
    } catch (error) {
      const { message, isSilent } = error as RedisUnavailableError;
      const { lastError } = commands.isReady ? subscriptions : commands;
      throw new RedisUnavailableError(`RedisCluster cannot use Redis: ${isSilent ? lastError : message}`);
    }
  }

  close(): void {
    this.commands.close();
    this.subscriptions.close();
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
