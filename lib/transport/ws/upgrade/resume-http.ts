import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';

/** Requests that are read again, by their socket, as they were read the first time. */
const originals = new WeakMap<Socket, IncomingMessage>();

/**
 * Lets an HTTP server read a request again, as one that stays with HTTP: after an `upgrade` event, Node.js has nothing left
 * that could answer it. The bytes go back into the socket, without the offer, and the socket goes back to the server.
 *
 * @param head What the client sent after the header.
 */
export function resumeHttp(httpServer: HttpServer, request: IncomingMessage, socket: Socket, head: Buffer): void {
  originals.set(socket, request);
  socket.unshift(Buffer.concat([headerWithoutUpgrade(request), head]));
  // The time-out of an idle connection, which an earlier response may have set.
  socket.setTimeout(0);
  httpServer.emit(httpServer instanceof TlsServer ? 'secureConnection' : 'connection', socket);
}

/** Restores the header of a request that was read again. Does nothing to others. */
export function restoreHeader(request: IncomingMessage): void {
  const original = originals.get(request.socket);
  if (!original) return;
  originals.delete(request.socket);
  request.rawHeaders = original.rawHeaders;
  request.headers = original.headers;
}

/** Without `Upgrade` there is no offer, whatever `Connection` says, or `Proxy-Connection`, which Node.js takes for the same. */
function headerWithoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name, value] = [rawHeaders[at]!, rawHeaders[at + 1]!];
    if (name.toLowerCase() !== 'upgrade') lines.push(`${name}: ${value}`);
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}
