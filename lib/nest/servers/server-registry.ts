import { Logger, type Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import type { ServersByGateway } from '../decorators/inject-webwire-server.decorator.js';
import { exploreGateways, type GatewayDefinition } from '../handlers/gateway-explorer.js';
import { isMinified } from './gateway-names.js';
import type { WebwireConnection } from '../../server/connection.js';
import { Groups } from '../../server/groups.js';
import { quiet } from '../../common/logger.js';
import { InvalidOptionError } from '../../common/options.js';
import { plainCodec, type PayloadCodec } from '../../protocol/payload-codec.js';
import { WebwireServer } from '../../server/server.js';
import { planServers, type PlannedServer } from './plan-servers.js';
import { assertContractsServed } from './unserved-entries.js';
import { contractsIn, type WebwireModuleOptions } from '../options/module-options.js';

/** All servers of an application. They are made on first use; the adapter opens them. */
export class ServerRegistry implements ServersByGateway {
  readonly groups = new Groups<WebwireConnection>(({ isGone }) => isGone);
  readonly logger = quiet(new Logger('Webwire'));
  #plans: ReadonlyMap<WebwireServer, PlannedServer> | undefined;
  #ownOptions: WebwireModuleOptions | undefined;

  /** @param options The checked options of the module. */
  constructor(
    private readonly modules: ModulesContainer,
    private readonly options: WebwireModuleOptions,
  ) {}

  /** The servers of the application; none until they are made. */
  get servers(): Iterable<WebwireServer> {
    return this.#plans?.keys() ?? [];
  }

  /**
   * Makes the servers on first use, and returns each with its plan.
   *
   * @param own Checked options to use instead of the module's.
   * @throws InvalidOptionError, or another Error, if the gateways of the application do not work together, or if the
   *   servers were already made from other options.
   */
  make(own?: WebwireModuleOptions): ReadonlyMap<WebwireServer, PlannedServer> {
    if (!this.#plans) {
      this.#plans = this.#make(own ?? this.options);
      this.#ownOptions = own;
    } else if (own && own !== this.#ownOptions) {
      throw new InvalidOptionError(
        'the WebwireAdapter has options of its own, but the servers were already made from those of WebwireModule, ' +
          'because a provider injects one: give the options to WebwireModule.forRoot() instead',
      );
    }
    return this.#plans;
  }

  serverOf(gateway: Type, caller: string): WebwireServer {
    return this.find(gateway, caller).server;
  }

  /**
   * The server of a gateway, and the name of the gateway.
   * @throws InvalidOptionError if the application has no such gateway.
   */
  find(gateway: Type, caller: string): { readonly server: WebwireServer; readonly name: string } {
    const served = [...this.make()].flatMap(([server, { gateways }]) =>
      gateways.map(({ definition: { name, wrapper } }) => ({ name, server, token: wrapper.token, wrapper })),
    );
    const found =
      served.find(({ wrapper }) => wrapper.metatype === gateway) ?? served.find(({ token }) => token === gateway);
    if (found) return found;
    const known = served.map(({ name }) => name).join(', ') || 'none';
    throw new InvalidOptionError(
      `${caller}: the application has no gateway ${classNameOf(gateway)}; there are: ${known}`,
    );
  }

  /** The server of the gateway with this name; `undefined` if there is no such gateway. */
  serverNamed(gateway: string): WebwireServer | undefined {
    for (const [server, { gateways }] of this.#plans ?? []) {
      if (gateways.some(({ definition: { name } }) => name === gateway)) return server;
    }
    return undefined;
  }

  /** The codec of each server, and the name of one of its gateways. */
  get codecs(): { codec: PayloadCodec; gateway: string }[] {
    return Array.from(this.#plans ?? [], ([{ codec }, { gateways }]) => ({
      codec,
      gateway: gateways[0]!.definition.name,
    }));
  }

  /** The codec of signals in applications without a server. */
  get defaultCodec(): PayloadCodec {
    return this.options.codec ?? plainCodec;
  }

  #make(options: WebwireModuleOptions): ReadonlyMap<WebwireServer, PlannedServer> {
    const gateways = exploreGateways(this.modules);
    for (const gateway of gateways) this.#advise(gateway, options);
    assertContractsServed(gateways, contractsIn(options), this.logger);
    const plans = planServers(gateways, options);
    return new Map(plans.map((plan) => [new WebwireServer(plan.options, this.logger, this.groups, plan.codec), plan]));
  }

  #advise(gateway: GatewayDefinition, { cluster }: WebwireModuleOptions): void {
    const { name, ignoredOptions } = gateway;
    if (ignoredOptions.length > 0) {
      this.logger.warn(
        `${name} has options of another WebSocket adapter, which are ignored: ${ignoredOptions.join(', ')}`,
      );
    }
    if (cluster && isMinified(gateway)) {
      this.logger.warn(
        `The gateway ${JSON.stringify(name)} seems to be named by a minifier, which may name another gateway so on another ` +
          "node of the cluster: give it a name of its own, @WebwireGateway({ name: '…' })",
      );
    }
  }
}

function classNameOf(gateway: unknown): string {
  return typeof gateway === 'function' ? gateway.name : String(gateway);
}
