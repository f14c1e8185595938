import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Why an upgrade request cannot be accepted, as its HTTP response says it. */
export interface UpgradeRefusal {
  readonly status: number;
  readonly reason: string;
  /** Further header lines. */
  readonly headers?: readonly string[];
}

/** What a key is combined with, so that the answer shows that it was understood (RFC 6455, section 1.3). */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** 16 bytes in base64. */
const KEY = /^[+/0-9A-Za-z]{22}==$/;

/** Versions of the WebSocket protocol; the older one differs in nothing that matters here. */
const VERSIONS = ['13', '8'];

/** The name of a sub-protocol with the white space around it. Each character fits one part only: no text takes long. */
const PROTOCOL = /^[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*$/;

/**
 * Checks an upgrade request as RFC 6455 asks for (section 4.2.1). Returns the response that accepts it, without
 * sub-protocol, or why it cannot be accepted.
 *
 * @param extensions Value of `Sec-WebSocket-Extensions` in the response; none unless given.
 */
export function answerUpgrade({ method, headers }: IncomingMessage, extensions?: string): Buffer | UpgradeRefusal {
  const key = headers['sec-websocket-key'];
  const version = headers['sec-websocket-version'];
  if (method !== 'GET') return { status: 405, reason: 'Invalid HTTP method' };
  if (headers.upgrade?.toLowerCase() !== 'websocket') return { status: 400, reason: 'Invalid Upgrade header' };
  if (key === undefined || !KEY.test(key)) {
    return { status: 400, reason: 'Missing or invalid Sec-WebSocket-Key header' };
  }
  if (version === undefined || !VERSIONS.includes(version)) {
    return {
      status: 400,
      reason: 'Missing or invalid Sec-WebSocket-Version header',
      headers: [`Sec-WebSocket-Version: ${VERSIONS.join(', ')}`],
    };
  }
  if (!areProtocols(headers['sec-websocket-protocol'])) {
    return { status: 400, reason: 'Invalid Sec-WebSocket-Protocol header' };
  }
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${createHash('sha1')
      .update(key + GUID)
      .digest('base64')}`,
  ];
  if (extensions !== undefined) lines.push(`Sec-WebSocket-Extensions: ${extensions}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

/** A list of different names, which is all that there is to know of them: none is ever chosen. */
function areProtocols(header: string | undefined): boolean {
  if (header === undefined) return true;
  const names = header.split(',');
  return names.every((name) => PROTOCOL.test(name)) && new Set(names.map((name) => name.trim())).size === names.length;
}
