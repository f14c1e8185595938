import {
  check,
  checkAll,
  integerBetween,
  OBJECT_RULE,
  type OptionRule,
  type OptionRules,
} from '../../common/options.js';
import type { PayloadCodec } from '../../protocol/payload-codec.js';
import { CODEC_RULE, SERVER_OPTION_RULES, type ServerOptions } from '../../server/server-options.js';
import type { ListenTarget, Transport } from '../../transport/transport.js';

/** Options of a gateway, in `@WebwireGateway()`. They take precedence over those of the module. */
export interface WebwireGatewayOptions extends ServerOptions {
  /**
   * Decodes bodies, and encodes return values and signals. Gateways that share a server share the codec of its signals: the
   * one that they name, or that of the module if they name several.
   * @default the module's, else text as strings, binary as `Buffer`s, other values as JSON
   */
  codec?: PayloadCodec;
  /**
   * `false` switches sessions off for the server of this gateway: requests for sessions are told so, and
   * `createSession()` fails.
   * @default as the module says
   */
  sessions?: false;
  /**
   * For a port of its own: options of Node's TLS server, such as `key` and `cert`, that make it `wss:`. On the HTTP server
   * of the application, Nest's `httpsOptions` do that; gateways there do not heed the `tls` of the module.
   * @default none (`ws:`)
   */
  tls?: ListenTarget['tls'];
  /**
   * What carries the connections.
   * @default new WsTransport()
   */
  transport?: Transport;
}

/** What a port may be. */
export const PORT_RULE: OptionRule = integerBetween(0, 65_535, 'a port');

/** What each option of a gateway may be. */
export const GATEWAY_OPTION_RULES: OptionRules<WebwireGatewayOptions> = {
  ...SERVER_OPTION_RULES,
  codec: CODEC_RULE,
  sessions: {
    allowed: 'false, or absent: how sessions are kept is said once, for the module',
    accepts: (value) => value === false,
  },
  tls: { ...OBJECT_RULE, allowed: "an object of options of Node's TLS server", isSecret: true },
  transport: {
    allowed: 'a transport: an object with the function listen, such as new WsTransport()',
    accepts: (value) => typeof (value as Partial<Transport> | null)?.listen === 'function',
  },
};

/**
 * Checks the options in the decorator of a gateway.
 * @throws InvalidOptionError
 */
export function checkGatewayOptions(gateway: string, options: WebwireGatewayOptions): WebwireGatewayOptions {
  return checkAll(options, GATEWAY_OPTION_RULES, `${gateway}.`);
}

/**
 * The options of a plain `@WebSocketGateway()` that mean something here; those of other adapters do not.
 * @throws InvalidOptionError if one cannot be used, or for a namespace.
 */
export function plainGatewayOptions(gateway: string, options: Record<string, unknown>): WebwireGatewayOptions {
  check(`${gateway}.namespace`, options.namespace, {
    allowed: 'absent: WebWire has no namespaces, use the option path',
    accepts: (value) => value === undefined,
  });
  const known = Object.entries(options).filter(([name]) => Object.hasOwn(GATEWAY_OPTION_RULES, name));
  return checkGatewayOptions(gateway, Object.fromEntries(known));
}
