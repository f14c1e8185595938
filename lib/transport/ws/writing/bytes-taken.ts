import type { Socket } from 'node:net';

/** The handle of a socket, as far as Node.js shows it: absent once the socket is closed, and elsewhere than in Node.js. */
interface SocketHandle {
  /** Bytes that were handed to the system, those included that it has not taken yet. */
  readonly bytesWritten?: number;
  /** Bytes of these that the system has not taken yet. */
  readonly writeQueueSize?: number;
}

/**
 * Bytes that the system has taken from a socket since it was opened. A write of a megabyte that a slow peer takes little by
 * little makes it grow little by little, which no public property of a socket shows.
 */
export function bytesTaken(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { _handle?: SocketHandle | null };
  const { bytesWritten, writeQueueSize } = handle ?? {};
  if (bytesWritten === undefined || writeQueueSize === undefined) return socket.bytesWritten - socket.writableLength;
  return bytesWritten - writeQueueSize;
}
