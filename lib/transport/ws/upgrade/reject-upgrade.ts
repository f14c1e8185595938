import { STATUS_CODES } from 'node:http';
import { CLOSE_TIMEOUT } from '../../../common/timeout.js';
import { destroySocket } from '../destroy-socket.js';
import { WEBSOCKET_VERSION } from './opening-handshake.js';
import type { UpgradedSocket } from '../upgraded-socket.js';

/** Additional header fields of a response, by its status (RFC 6455, section 4.4; RFC 9110, sections 15.5.6 and 15.5.22). */
const HEADERS: Readonly<Record<number, Readonly<Record<string, string>>>> = {
  400: { 'Sec-WebSocket-Version': WEBSOCKET_VERSION },
  405: { Allow: 'GET' },
  426: { Connection: 'Upgrade, close', Upgrade: 'websocket', 'Sec-WebSocket-Version': WEBSOCKET_VERSION },
};

/** Header fields of the response that rejects an upgrade and ends the HTTP connection. */
export function rejectionHeaders(status: number, body: string): Record<string, string> {
  return {
    Connection: 'close',
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
    ...HEADERS[status],
  };
}

/** Answers an upgrade request with an HTTP error and ends the connection. */
export function rejectUpgrade(socket: UpgradedSocket, status: number, body: string): void {
  const fields = Object.entries(rejectionHeaders(status, body)).map(([name, value]) => `${name}: ${value}`);
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...fields].join('\r\n');
  socket.on('error', destroySocket);
  // A client that does not read the response must not keep the HTTP server from closing.
  const destroy = () => socket.destroy();
  socket.setTimeout?.(CLOSE_TIMEOUT, destroy);
  socket.end(`${head}\r\n\r\n${body}`, destroy);
}
