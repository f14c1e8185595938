import type { WebwireConnection } from './connection.js';
import type { WebwireServer } from './server.js';

/** Where the connections of this process are found. */
export interface ConnectionSources {
  /** The servers there are by now. */
  readonly servers: Iterable<WebwireServer>;
  /** Who is in a group. */
  members(group: string): Iterable<WebwireConnection>;
  /** Who has the session with this digest of its key. */
  holders(session: string): Iterable<WebwireConnection>;
}

/** Who does not get a message. */
export type Exceptions = Pick<ReadonlySet<WebwireConnection>, 'has'>;

/**
 * Sends encoded messages to many connections of this process. Each method tells how many it was sent to, and sends nothing
 * at all if it throws.
 */
export class LocalBroadcaster {
  constructor(private readonly sources: ConnectionSources) {}

  /**
   * To all connections, or to those of one server.
   * @throws BufferOverflowError if the message does not fit the buffer of one of them.
   */
  toAll(message: Uint8Array, except: Exceptions, server?: WebwireServer): number {
    const servers = server ? [server] : [...this.sources.servers];
    return send(
      message,
      servers.flatMap(({ connections }) => [...connections]),
      except,
    );
  }

  /**
   * To the members of a group.
   * @throws BufferOverflowError if the message does not fit the buffer of one of them.
   */
  toGroup(group: string, message: Uint8Array, except: Exceptions): number {
    return send(message, this.sources.members(group), except);
  }

  /**
   * To the connections that have the session with this digest of its key.
   * @throws BufferOverflowError if the message does not fit the buffer of one of them.
   */
  toSession(session: string, message: Uint8Array, except: Exceptions): number {
    return send(message, this.sources.holders(session), except);
  }
}

function send(message: Uint8Array, connections: Iterable<WebwireConnection>, except: Exceptions): number {
  const receivers = [...connections].filter((connection) => !except.has(connection));
  for (const receiver of receivers) receiver.assertFits(message);
  return receivers.filter((receiver) => receiver.sendEncoded(message)).length;
}
