import { inspect } from 'node:util';
import { GATEWAY_OPTION_RULES, PORT_RULE, type WebwireGatewayOptions } from './gateway-options.js';
import { isContract, type DefinedContract } from '../../contract/define-contract.js';
import type { Cluster } from '../../server/ports/cluster.js';
import { checkAll, InvalidOptionError, OBJECT_RULE, type OptionRules } from '../../common/options.js';
import { checkSessionOptions, type SessionOptions } from './session-options.js';

/** Options of a gateway in the configuration. They take precedence over those in its decorator. */
export interface WebwireGatewayOverrides extends Omit<WebwireGatewayOptions, 'name'> {
  /**
   * Port, instead of the one in the decorator; 0 lets the system choose a free port.
   * @default the port in the decorator, else the HTTP server of the application
   */
  port?: number;
}

/** Options of `WebwireModule.forRoot()`: defaults for all gateways, and options of single gateways. */
export interface WebwireModuleOptions extends Omit<WebwireGatewayOptions, 'name' | 'sessions'> {
  /**
   * Options of single gateways by name: the name of the class, unless the decorator gives another.
   * @default none
   * @example { AuthGateway: { port: 4000 } }
   */
  gateways?: Record<string, WebwireGatewayOverrides>;
  /**
   * Storage and limits of sessions; `false` switches sessions off.
   * @default {} (in files, see `SessionOptions`)
   */
  sessions?: SessionOptions | false;
  /**
   * Makes the application one of several nodes that share sessions and signals: a `RedisCluster` of `nestjs-webwire/redis`. An
   * adapter without the module cannot have it.
   * @default none: the application is the only node
   */
  cluster?: Cluster;
  /**
   * The contract that the handlers of the application implement, or a list of contracts. If no handler takes one of their
   * requests, streams or signals, the application does not start. For other contracts, such entries are only warned of.
   * @default none
   */
  contract?: DefinedContract | readonly DefinedContract[];
}

const { name: _, ...COMMON_RULES } = GATEWAY_OPTION_RULES;

const OVERRIDE_RULES: OptionRules<WebwireGatewayOverrides> = {
  ...COMMON_RULES,
  port: PORT_RULE,
};

const MODULE_RULES: OptionRules<WebwireModuleOptions> = {
  ...COMMON_RULES,
  sessions: {
    allowed: 'false or an object of options',
    accepts: (value) => value === false || OBJECT_RULE.accepts(value),
  },
  gateways: { ...OBJECT_RULE, allowed: 'an object of options by the name of the gateway' },
  cluster: {
    allowed: "a cluster, such as new RedisCluster() of 'nestjs-webwire/redis'",
    accepts: (value) => {
      const cluster = value as Partial<Cluster> | null;
      return typeof cluster?.start === 'function' && typeof cluster.places?.take === 'function';
    },
  },
  contract: {
    allowed: "a contract that defineContract() of 'nestjs-webwire/contract' has made, or a list of them",
    accepts: (value) => [value].flat().every(isContract),
  },
};

/**
 * Checks the options that were passed to `WebwireModule`.
 * @throws InvalidOptionError; if there are none, it says how to pass options.
 */
export function checkGivenOptions(options: unknown): WebwireModuleOptions {
  if (OBJECT_RULE.accepts(options)) return checkModuleOptions(options as WebwireModuleOptions);
  throw new InvalidOptionError(
    `WebwireModule got ${inspect(options, { depth: 0, maxStringLength: 64 })} as its options: ` +
      'import WebwireModule.forRoot(), not the class alone, ' +
      'or let the factory of WebwireModule.forRootAsync() return an object, {} for the defaults',
  );
}

/**
 * Checks the options of the module.
 * @returns A plain copy of the given options.
 * @throws InvalidOptionError
 */
export function checkModuleOptions(options: WebwireModuleOptions): WebwireModuleOptions {
  const checked = checkAll(options, MODULE_RULES);
  const gateways = Object.entries(checked.gateways ?? {}).map(([name, overrides]) => [
    name,
    checkAll(overrides, OVERRIDE_RULES, `gateways.${name}.`),
  ]);
  return {
    ...checked,
    gateways: Object.fromEntries(gateways) as WebwireModuleOptions['gateways'],
    sessions: checkSessionOptions(checked.sessions ?? {}),
  };
}

/** The contracts in the option `contract`. */
export function contractsIn({ contract = [] }: WebwireModuleOptions): readonly DefinedContract[] {
  return [contract].flat();
}
