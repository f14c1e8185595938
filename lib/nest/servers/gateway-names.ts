import { InvalidOptionError } from '../../common/options.js';
import type { GatewayDefinition } from '../handlers/gateway-explorer.js';
import type { WebwireModuleOptions } from '../options/module-options.js';

/** Longest class name that is taken for the work of a minifier. */
const LONGEST_MINIFIED_NAME = 2;

/**
 * Gateways are told apart by their names in configuration and by the other nodes of a cluster. Class names that a minifier
 * made often collide, which is no mistake of the application: they have to differ only where they are used.
 *
 * @throws InvalidOptionError if two gateways have one name; the same class in several modules counts once.
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
      `two gateways are named ${JSON.stringify(gateway.name)}: ${describe(other)} and ${describe(gateway)}; ` +
        "give one of them another name: @WebwireGateway({ name: '…' })",
    );
  }
}

/** Whether the gateway has no name but one that a minifier may have made. */
export function isMinified({ name, options }: GatewayDefinition): boolean {
  return options.name === undefined && name.length <= LONGEST_MINIFIED_NAME;
}

/** Nest does not know the files of classes, but where they belong. */
function describe({ module, port, options, handlers }: GatewayDefinition): string {
  const names = new Set(handlers.map(({ methodName }) => methodName));
  const methods = names.size > 0 ? `, handlers ${[...names].slice(0, 3).join(', ')}` : '';
  const place = `${port === 0 ? '' : `port ${port}, `}path ${options.path ?? '/'}`;
  return `that of ${module.name} (${place}${methods})`;
}
