import type { INestApplicationContext } from '@nestjs/common';
import { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import type { DefinedContract } from '../../contract/define-contract.js';
import { exploreGateways } from '../handlers/gateway-explorer.js';
import { contractsIn, type WebwireModuleOptions } from '../options/module-options.js';
import { WebwireAdapter } from '../webwire.adapter.js';
import { CHECKED_OPTIONS } from '../webwire.module-definition.js';
import { planServers, type PlannedServer } from './plan-servers.js';

/** The servers of an application, and the contracts in the options of its module. */
export interface PlannedApplication {
  readonly servers: readonly PlannedServer[];
  readonly contracts: readonly DefinedContract[];
}

/**
 * Plans the servers of an application, which need not be initialised, without making them.
 * @throws InvalidOptionError, or another Error, if its gateways do not work together.
 */
export function planApplication(app: INestApplicationContext): PlannedApplication {
  const adapter: unknown = app.get(ApplicationConfig, { strict: false }).getIoAdapter();
  const own = adapter instanceof WebwireAdapter ? adapter.ownOptions : undefined;
  const options = own ?? optionsOfModule(app);
  const gateways = exploreGateways(app.get(ModulesContainer, { strict: false }));
  return { servers: planServers(gateways, options), contracts: contractsIn(options) };
}

function optionsOfModule(app: INestApplicationContext): WebwireModuleOptions {
  try {
    return app.get<WebwireModuleOptions>(CHECKED_OPTIONS, { strict: false });
  } catch {
    // The application has an adapter without the module.
    return {};
  }
}
