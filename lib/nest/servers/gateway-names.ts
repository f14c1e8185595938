import { InvalidOptionError } from '../../common/options.js';
import type { GatewayDefinition } from '../handlers/gateway-explorer.js';
import type { WebwireModuleOptions } from '../options/module-options.js';

/** Longest class name that counts as made by a minifier, in characters. */
const LONGEST_MINIFIED_NAME = 2;

/**
 * Checks that gateways have different names, which identify them in configuration and among the nodes of a cluster. Class names
 * that a minifier made often collide, which is no mistake of the application: they must differ only where they are used.
 *
 * @throws InvalidOptionError if two gateways have one name; a class that several modules provide counts once.
 */
export function assertDistinctNames(
  gateways: readonly GatewayDefinition[],
  { gateways: overrides = {}, cluster }: WebwireModuleOptions,
): void {
  const byName = new Map<string, GatewayDefinition>();
  for (const gateway of gateways) {
    const other = byName.get(gateway.name) ?? gateway;
    byName.set(gateway.name, other);
    if (other.wrapper.metatype === gateway.wrapper.metatype) continue;
    const isNameUsed = cluster !== undefined || Object.hasOwn(overrides, gateway.name);
    if (!isNameUsed && isMinified(gateway) && isMinified(other)) continue;
    throw new InvalidOptionError(
      `two gateways are named ${JSON.stringify(gateway.name)}: ${describeGateway(other)} and ${describeGateway(gateway)}; ` +
        "give one of them another name: @WebwireGateway({ name: '…' })",
    );
  }
}

/** Returns `true` if the gateway is named by its class, and a minifier may have shortened that name. */
export function isMinified({ name, options }: GatewayDefinition): boolean {
  return options.name === undefined && name.length <= LONGEST_MINIFIED_NAME;
}

/** Describes a gateway by its module, port, path and handlers: the file of a class is unknown. */
function describeGateway({ module, port, options, handlers }: GatewayDefinition): string {
  const names = new Set(handlers.map(({ methodName }) => methodName));
  const methods = names.size > 0 ? `, handlers ${[...names].slice(0, 3).join(', ')}` : '';
  const place = `${port === 0 ? '' : `port ${port}, `}path ${options.path ?? '/'}`;
  return `that of ${module.name} (${place}${methods})`;
}
