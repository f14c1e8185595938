import type { IncomingHttpHeaders } from 'node:http';
import type { ConnectionRequest } from '../server/ports/transport-connection.js';
import type { UpgradeRequest } from '../transport/ws/upgrade/opening-handshake.js';

/** Describes a request as that of Node.js is described. Bun itself answers 400 if there is no `Host`. */
export function describeRequest(request: Request): ConnectionRequest & UpgradeRequest {
  const headers: IncomingHttpHeaders = Object.fromEntries(request.headers);
  return {
    // Bun puts the host before the path.
    url: request.url.replace(/^[a-z]+:\/\/[^/?#]*/i, ''),
    headers,
    method: request.method,
    // Bun does not show the version.
    httpVersion: '1.1',
    // Bun joins the values of several `Host` headers, which is no valid value.
    rawHeaders: ['host', headers.host ?? ''],
  };
}
