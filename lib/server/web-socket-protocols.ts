import { HandshakeRejection } from './handshake.js';
import type { OptionRule } from '../common/options.js';

/** A name as RFC 9110 allows it: a token. */
const PROTOCOL_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** A name between white space. No character matches two parts, so that the time is linear in the length of the text. */
const OFFER = /^[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*$/;

/** Options of the server, as in `ServerOptions`. */
interface ProtocolOptions {
  readonly subProtocolName: string;
  readonly webSocketProtocols: readonly string[];
}

/** Values of the option `webSocketProtocols`. */
export const WEB_SOCKET_PROTOCOLS_RULE: OptionRule = {
  allowed: 'an array of different names without spaces and separators, such as ["chat.v2", "chat.v1"]',
  accepts: (value) => Array.isArray(value) && value.every(isName) && new Set(value).size === value.length,
};

/**
 * Chooses the WebSocket sub-protocol of a connection (RFC 6455, section 4.2.2): `subProtocolName` if the client offers it,
 * else the first name of the client's list that is in `webSocketProtocols`, else '' for none.
 *
 * @param offer The header `Sec-WebSocket-Protocol`.
 * @throws HandshakeRejection if the header is not a list of different names.
 */
export function chooseProtocol(
  offer: string | undefined,
  { subProtocolName, webSocketProtocols }: ProtocolOptions,
): string {
  if (offer === undefined) return '';
  const elements = offer.split(',');
  const names = elements.map((element) => element.trim());
  if (!elements.every((element) => OFFER.test(element)) || new Set(names).size !== names.length) {
    throw new HandshakeRejection(400, 'Invalid Sec-WebSocket-Protocol header');
  }
  if (names.includes(subProtocolName)) return subProtocolName;
  return names.find((name) => webSocketProtocols.includes(name)) ?? '';
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && PROTOCOL_NAME.test(value);
}
