import type { PayloadCodec } from '../protocol/payload-codec.js';
import type { WebwireConnection } from './connection.js';
import type { Groups } from './groups.js';
import type { WebwireServer } from './server.js';

/** Connections that do not get a message. */
type Exceptions = Pick<ReadonlySet<WebwireConnection>, 'has'>;

/** Returns the encoded message for the connections whose server has the codec. */
type MessageFor = (codec: PayloadCodec) => Uint8Array;

/**
 * Sends encoded messages to many connections of this process. Each method returns the number of connections that it sent
 * the message to, and sends nothing if it throws.
 */
export class LocalBroadcaster {
  /** @param sessionMembers Returns the connections that have the session with this digest of its key. */
  constructor(
    private readonly registry: { readonly servers: Iterable<WebwireServer> },
    private readonly groups: Groups<WebwireConnection>,
    private readonly sessionMembers: (session: string) => Iterable<WebwireConnection>,
  ) {}

  /**
   * Sends to all connections, or to those of one server.
   * @throws BufferOverflowError if the message does not fit the buffer of one of them.
   */
  toAll(message: MessageFor, except: Exceptions, server?: WebwireServer): number {
    const servers = server ? [server] : [...this.registry.servers];
    return send(
      message,
      servers.flatMap(({ connections }) => [...connections]),
      except,
    );
  }

  /**
   * Sends to the members of a group.
   * @throws BufferOverflowError if the message does not fit the buffer of one of them.
   */
  toGroup(group: string, message: MessageFor, except: Exceptions): number {
    return send(message, this.groups.members(group), except);
  }

  /**
   * Sends to the connections that have the session with this digest of its key.
   * @throws BufferOverflowError if the message does not fit the buffer of one of them.
   */
  toSession(session: string, message: MessageFor, except: Exceptions): number {
    return send(message, this.sessionMembers(session), except);
  }
}

function send(message: MessageFor, connections: Iterable<WebwireConnection>, except: Exceptions): number {
  const receivers = [...connections].filter((connection) => !except.has(connection));
  for (const receiver of receivers) receiver.assertFits(message(receiver.codec));
  return receivers.filter((receiver) => receiver.sendEncoded(message(receiver.codec))).length;
}
