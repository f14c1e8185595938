import { ChannelSubscriptions, type SubscriptionsListener } from './channel-subscriptions.js';
import type { Keys } from './keys.js';
import { RedisConnection } from './redis-connection.js';
import { isWrongServerError, RedisUnavailableError } from './redis-error.js';
import type { RedisAddress } from './redis-options.js';

/** Notifications of the connections of a node. */
export interface ConnectionsListener extends Pick<SubscriptionsListener, 'message' | 'resubscribed' | 'suspected'> {
  /** Called when a connection was lost: messages or answers may be lost, too. */
  interrupted(reason: string): void;
  /** Called when the connection for commands was lost, with the commands in flight. */
  commandsLost(): void;
  /** Called when all connections are ready again. */
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
          // A subscription to a replica works only as long as the replica follows the present primary.
          if (isWrongServerError(reason)) this.subscriptions.replaceConnections(reason);
        },
      },
    );
    const source = { name: 'webwire-subscriber', commandTimeout, createClient };
    this.subscriptions = new ChannelSubscriptions(nodeId, keys, this.commands, source, {
      message: (message) => listener.message(message),
      ready,
      lost: (reason) => listener.interrupted(`its connection for messages was lost: ${reason}`),
      suspected: () => listener.suspected(),
      resubscribed: (channels) => listener.resubscribed(channels),
    });
  }

  /**
   * Connects to all servers.
   * @param timeout The time in which Redis has to answer, in ms.
   * @throws RedisUnavailableError if Redis cannot be reached, or is too old.
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

/** Sharded channels need version 7. */
function assertVersion(info: string): void {
  const version = /^redis_version:(\d+)\.\S*/m.exec(info);
  if (version && Number(version[1]) < 7) {
    throw new RedisUnavailableError(
      `it needs version 7 or later, this is ${version[0].slice('redis_version:'.length)}`,
    );
  }
}
