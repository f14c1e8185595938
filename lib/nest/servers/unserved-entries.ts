import type { ServerLogger } from '../../common/logger.js';
import { contractOf, type DefinedContract } from '../../contract/define-contract.js';
import type { HandlerEntry } from '../../contract/entries.js';
import type { GatewayDefinition } from '../handlers/gateway-explorer.js';

/**
 * Checks that handlers take all entries of the contracts that the application implements.
 *
 * @param required The contracts in the options of the module.
 * @param logger Gets a warning for entries of other contracts, of which handlers take some.
 * @throws Error for entries of `required`.
 */
export function assertContractsServed(
  gateways: readonly GatewayDefinition[],
  required: readonly DefinedContract[],
  logger: ServerLogger,
): void {
  const taken = new Set(gateways.flatMap(({ handlers }) => handlers.flatMap(({ entry }) => entry ?? [])));
  for (const contract of required) {
    const missing = missingEntries(contract, taken);
    if (missing !== '')
      throw new Error(`no handler takes these entries of the contract in the option contract: ${missing}`);
  }
  const used = new Set(Array.from(taken, contractOf));
  for (const contract of required) used.delete(contract);
  for (const contract of used) {
    const missing = missingEntries(contract, taken);
    if (missing !== '')
      logger.warn(`No handler takes these entries of a contract, so that clients use them in vain: ${missing}`);
  }
}

/** Lists the entries that no handler takes, each with the decorator for it. */
function missingEntries({ requests, streams, signals }: DefinedContract, taken: ReadonlySet<HandlerEntry>): string {
  const entries = [requests, streams, signals].flatMap<HandlerEntry>((part) => Object.values(part));
  const missing = entries.filter((entry) => !taken.has(entry));
  return missing.map(({ kind, name }) => `the ${kind} ${JSON.stringify(name)}`).join(', ');
}
