import { GATEWAY_OPTION_RULES, PORT_RULE, type WebwireGatewayOptions } from './decorators/webwire-gateway-options.js';
import { checkAll, type OptionRules } from './server/option-rules.js';

/** Options of a gateway given by configuration. They take precedence over those in its decorator. */
export interface WebwireGatewayOverrides extends WebwireGatewayOptions {
  /** Port of its own, instead of the one in the decorator; 0 lets the system choose one. */
  port?: number;
}

/** Options of `WebwireModule.forRoot()`: defaults for all gateways, and options of single ones. */
export interface WebwireModuleOptions extends WebwireGatewayOptions {
  /**
   * Options of single gateways, by class name.
   * @example { AuthGateway: { port: 4000 } }
   */
  gateways?: Record<string, WebwireGatewayOverrides>;
}

const OVERRIDE_RULES: OptionRules<WebwireGatewayOverrides> = {
  ...GATEWAY_OPTION_RULES,
  port: PORT_RULE,
};

const MODULE_RULES: OptionRules<WebwireModuleOptions> = {
  ...GATEWAY_OPTION_RULES,
  gateways: {
    allowed: 'an object of options by class name',
    accepts: (value) => typeof value === 'object' && value !== null,
  },
};

/**
 * Checks the options of the module.
 * @throws InvalidOptionError
 */
export function checkModuleOptions(options: WebwireModuleOptions): void {
  checkAll(options, MODULE_RULES);
  for (const [name, overrides] of Object.entries(options.gateways ?? {})) {
    checkAll(overrides, OVERRIDE_RULES, `gateways.${name}.`);
  }
}
