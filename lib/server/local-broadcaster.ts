import type { PayloadCodec } from '../protocol/payload-codec.js';
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

/** The encoded message for the connections whose server has a codec. */
export type MessageFor = (codec: PayloadCodec) => Uint8Array;

/**
 * Sends encoded messages to many connections of this process. Each method returns the number of connections that it sent
 * the message to, and sends nothing at all if it throws.
 */
export class LocalBroadcaster {
  constructor(private readonly sources: ConnectionSources) {}

  /**
   * To all connections, or to those of one server.
   * @throws BufferOverflowError if the message does not fit the buffer of one of them.
   */
  toAll(message: MessageFor, except: Exceptions, server?: WebwireServer): number {
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
  toGroup(group: string, message: MessageFor, except: Exceptions): number {
    return send(message, this.sources.members(group), except);
  }

  /**
   * To the connections that have the session with this digest of its key.
   * @throws BufferOverflowError if the message does not fit the buffer of one of them.
   */
  toSession(session: string, message: MessageFor, except: Exceptions): number {
    return send(message, this.sources.holders(session), except);
  }
}

function send(message: MessageFor, connections: Iterable<WebwireConnection>, except: Exceptions): number {
  const receivers = [...connections].filter((connection) => !except.has(connection));
  for (const receiver of receivers) receiver.assertFits(message(receiver.codec));
  return receivers.filter((receiver) => receiver.sendEncoded(message(receiver.codec))).length;
}
