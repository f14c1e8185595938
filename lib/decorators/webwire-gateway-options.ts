import { check, checkAll, integerBetween, type OptionRule, type OptionRules } from '../server/option-rules.js';
import type { PayloadCodec } from '../server/payload-codec.js';
import { SERVER_OPTION_RULES, type ServerOptions } from '../server/server-options.js';

/** Options of a gateway, in `@WebwireGateway()`. They take precedence over those of the module. */
export interface WebwireGatewayOptions extends ServerOptions {
  /**
   * Decodes bodies and encodes return values.
   * @default the module's, else text as strings, binary as `Buffer`s, other values as JSON
   */
  codec?: PayloadCodec;
}

const CODEC_RULE: OptionRule = {
  allowed: 'a codec: an object with the functions decode and encode',
  accepts: (value) => {
    const codec = value as Partial<PayloadCodec> | null;
    return typeof codec?.decode === 'function' && typeof codec.encode === 'function';
  },
};

/** What a port may be. */
export const PORT_RULE: OptionRule = integerBetween(0, 65_535, 'a port');

/** What each option of a gateway may be. */
export const GATEWAY_OPTION_RULES: OptionRules<WebwireGatewayOptions> = {
  ...SERVER_OPTION_RULES,
  codec: CODEC_RULE,
};

/**
 * Checks the options in the decorator of a gateway.
 * @throws InvalidOptionError
 */
export function checkGatewayOptions(gateway: string, options: WebwireGatewayOptions): void {
  checkAll(options, GATEWAY_OPTION_RULES, `${gateway}.`);
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
  const picked: WebwireGatewayOptions = Object.fromEntries(known);
  checkGatewayOptions(gateway, picked);
  return picked;
}
