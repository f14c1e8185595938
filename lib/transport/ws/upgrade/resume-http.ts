import type { IncomingMessage, Server as HttpServer } from 'node:http';
import { Server as TlsServer } from 'node:tls';
import type { UpgradedSocket } from '../upgraded-socket.js';

/** Original of each request that is parsed a second time, by socket. */
const originals = new WeakMap<UpgradedSocket, IncomingMessage>();

/**
 * Lets an HTTP server handle an upgrade request as an ordinary request. After an `upgrade` event, Node.js has no response for
 * it. So the bytes of the request, without the offer, are put back into the socket, and the socket is
 * passed to the server again.
 *
 * @param head Bytes that the client sent after the header.
 */
export function resumeHttp(
  httpServer: HttpServer,
  request: IncomingMessage,
  socket: UpgradedSocket,
  head: Buffer,
): void {
  originals.set(socket, request);
  socket.unshift(Buffer.concat([headerWithoutUpgrade(request), head]));
  // Clears the keep-alive timeout that an earlier response may have set.
  socket.setTimeout?.(0);
  httpServer.emit(httpServer instanceof TlsServer ? 'secureConnection' : 'connection', socket);
}

/** Restores the original header of a request that was parsed a second time. Does nothing to other requests. */
export function restoreHeader(request: IncomingMessage): void {
  const original = originals.get(request.socket);
  if (!original) return;
  originals.delete(request.socket);
  request.rawHeaders = original.rawHeaders;
  request.headers = original.headers;
}

/** Removes only `Upgrade`: without it, `Connection`, and `Proxy-Connection`, which Node.js treats alike, make no offer. */
function headerWithoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name, value] = [rawHeaders[at]!, rawHeaders[at + 1]!];
    if (name.toLowerCase() !== 'upgrade') lines.push(`${name}: ${value}`);
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}
