import type { UpgradedSocket } from '../upgraded-socket.js';

/** The internal handle of a Node.js socket. Absent if the socket is closed, and in other runtimes. */
interface SocketHandle {
  /** Bytes that were passed to the handle, including those that the operating system has not accepted yet. */
  readonly bytesWritten?: number;
  /** Bytes that the operating system has not accepted yet. */
  readonly writeQueueSize?: number;
  /** The handle of the TCP connection, if this is that of a TLS socket. */
  readonly _parent?: SocketHandle;
}

/**
 * Total bytes of a socket that the operating system has accepted for sending, encrypted if it is a TLS socket. Unlike
 * `socket.bytesWritten`, it also grows during one large write to a slow peer.
 */
export function bytesTaken(socket: UpgradedSocket): number {
  const { _handle: handle } = socket as unknown as { _handle?: SocketHandle | null };
  // oxlint-disable-next-line no-underscore-dangle -- not documented; the handle of a TLS socket counts a write when all of it is accepted
  const { bytesWritten, writeQueueSize } = handle?._parent ?? handle ?? {};
  if (bytesWritten === undefined || writeQueueSize === undefined)
    return (socket.bytesWritten ?? 0) - socket.writableLength;
  return bytesWritten - writeQueueSize;
}
