import {
  checkAll,
  integerBetween,
  OBJECT_RULE,
  stringThat,
  type OptionRule,
  type OptionRules,
} from '../../common/options.js';
import { refuseForeignOptions } from './foreign-options.js';
import type { PayloadCodec } from '../../protocol/payload-codec.js';
import { CODEC_RULE, SERVER_OPTION_RULES, type ServerOptions } from '../../server/server-options.js';
import type { ListenTarget, Transport } from '../../transport/transport.js';

/** Options of a gateway, in `@WebwireGateway()`. They take precedence over those of the module. */
export interface WebwireGatewayOptions extends ServerOptions {
  /**
   * Name of the gateway in configuration (`gateways` of the module), in logs, and in a cluster, whose nodes must all use the
   * same name. Two gateways with one name fail the start. Set it if a minifier shortens class names: these change from build
   * to build.
   * @default the name of the class
   */
  name?: string;
  /**
   * Decodes bodies, and encodes return values and signals. Gateways that share a server share the codec of its signals: that
   * in their options, or that of the module if their options name several.
   * @default the module's, else text as strings, binary as `Buffer`s, other values as JSON
   */
  codec?: PayloadCodec;
  /**
   * Applies global guards, pipes, interceptors and exception filters (`useGlobal…()` and `APP_…`) to the messages of the gateway.
   * With `false`, they apply to HTTP only, as with Nest's own WebSocket adapters; those of the gateway and its handlers still
   * run. Gateways that share a server may differ.
   * @default true
   */
  globalEnhancers?: boolean;
  /**
   * `false` switches sessions off for the server of this gateway: it answers session requests with `SessionsDisabled`, and
   * `createSession()` rejects.
   * @default as for the module
   */
  sessions?: false;
  /**
   * Options of Node's TLS server, such as `key` and `cert`, for a gateway with a port: clients connect with `wss:`. Gateways on
   * the HTTP server of the application need Nest's `httpsOptions` instead, and ignore the `tls` of the module.
   * @default none (`ws:`)
   */
  tls?: ListenTarget['tls'];
  /**
   * Transport of the connections.
   * @default new WsTransport()
   */
  transport?: Transport;
}

/** Rule for ports. */
export const PORT_RULE: OptionRule = integerBetween(0, 65_535, 'a port');

/** Rules for the options of a gateway. */
export const GATEWAY_OPTION_RULES: OptionRules<WebwireGatewayOptions> = {
  ...SERVER_OPTION_RULES,
  name: stringThat('a string that is not empty', (name) => name !== ''),
  codec: CODEC_RULE,
  globalEnhancers: { allowed: 'true or false', accepts: (value) => typeof value === 'boolean' },
  sessions: {
    allowed: 'false, or absent: give options of sessions to WebwireModule.forRoot()',
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
export function checkGatewayOptions(gateway: string, options: Record<string, unknown>): WebwireGatewayOptions {
  refuseForeignOptions(gateway, options);
  return checkAll<WebwireGatewayOptions>(options, GATEWAY_OPTION_RULES, `${gateway}.`);
}
