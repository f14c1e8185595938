import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * The socket of an upgrade request. Almost always, it is a `Socket`. But an application may pass any stream to its HTTP server, by
 * emitting `connection`: an HTTP/2 stream that carries HTTP/1.1, for example.
 */
export type UpgradedSocket = Duplex &
  Partial<Pick<Socket, 'bytesRead' | 'bytesWritten' | 'remoteAddress' | 'setNoDelay' | 'setTimeout'>>;
