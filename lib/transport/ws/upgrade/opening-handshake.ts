import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { HandshakeRejection } from '../../../server/handshake.js';

/** Appended to the key to prove that the server understood the request (RFC 6455, section 1.3). */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** The parts of an upgrade request that are checked. */
export type UpgradeRequest = Pick<IncomingMessage, 'method' | 'httpVersion' | 'headers' | 'rawHeaders'>;

/** 16 bytes in base64. */
const KEY = /^[+/0-9A-Za-z]{22}==$/;

/** The only standardised version of the WebSocket protocol. */
export const WEBSOCKET_VERSION = '13';

/** Host name or IP address, and an optional port (RFC 9110, section 7.2). */
const HOST_HEADER = /^(?:\[[0-9a-f:.]+\]|[-.~_%!$&'()*+;=0-9a-z]+)(?::\d*)?$/i;

/** Returns `true` if the `Upgrade` header of a request contains `websocket`. */
export function offersWebSocket({ headers }: UpgradeRequest): boolean {
  const offers = headers.upgrade?.toLowerCase();
  return offers === 'websocket' || (offers?.split(',').some((offer) => offer.trim() === 'websocket') ?? false);
}

/** Versions of HTTP and TLS, which some clients offer to every server. No server has to accept them. */
const HTTP_OFFER = /^(?:h2c?|http\/[\d.]+|tls\/[\d.]+)$/i;

/** Returns `true` if all protocols in the `Upgrade` header of a request are versions of HTTP or TLS. */
export function offersHttpOnly({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.split(',').every((offer) => HTTP_OFFER.test(offer.trim())) ?? false;
}

/**
 * Checks an upgrade request as RFC 6455, section 4.2.1 requires, except for sub-protocols.
 * @returns The rejection, or `undefined` for a valid request.
 */
export function checkOpeningHandshake(request: UpgradeRequest): HandshakeRejection | undefined {
  const { method, headers } = request;
  if (method !== 'GET') return new HandshakeRejection(405, 'Invalid HTTP method');
  if (request.httpVersion !== '1.1') return new HandshakeRejection(400, 'Invalid HTTP version');
  if (!hasOneHost(request)) return new HandshakeRejection(400, 'Missing or invalid Host header');
  if (hasBody(request)) return new HandshakeRejection(400, 'Upgrade request with a body');
  const key = headers['sec-websocket-key'];
  if (key === undefined || !KEY.test(key)) {
    return new HandshakeRejection(400, 'Missing or invalid Sec-WebSocket-Key header');
  }
  const version = headers['sec-websocket-version'];
  if (version === WEBSOCKET_VERSION) return undefined;
  // 426 lists the supported version. 400 is for a malformed header.
  if (version !== undefined && /^\d{1,3}$/.test(version)) {
    return new HandshakeRejection(426, 'Unsupported WebSocket version');
  }
  return new HandshakeRejection(400, 'Missing or invalid Sec-WebSocket-Version header');
}

/**
 * Creates the response that accepts a valid upgrade request (RFC 6455, section 4.2.2).
 * @param protocol The selected sub-protocol. Empty for none.
 * @param extensions Value of `Sec-WebSocket-Extensions`. Absent for none.
 */
export function acceptingResponse({ headers }: IncomingMessage, protocol: string, extensions?: string): Buffer {
  const accept = createHash('sha1')
    .update(headers['sec-websocket-key'] + GUID)
    .digest('base64');
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${accept}`,
    ...(protocol === '' ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
    ...(extensions === undefined ? [] : [`Sec-WebSocket-Extensions: ${extensions}`]),
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

/** Counts in `rawHeaders`, because `headers` contains only the first of several `Host` headers. */
function hasOneHost({ headers, rawHeaders }: UpgradeRequest): boolean {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) if (rawHeaders[at]!.toLowerCase() === 'host') count++;
  return count === 1 && HOST_HEADER.test(headers.host!);
}

/** Returns `true` if a request has a body. In an upgrade request, a body could be mistaken for WebSocket frames. */
export function hasBody({ headers }: UpgradeRequest): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}
