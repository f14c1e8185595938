import { Logger, type WebSocketAdapter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Server as HttpServer } from 'node:http';
import { createDispatcher } from './handlers/create-dispatcher.js';
import { exploreGateways, type GatewayDefinition } from './handlers/gateway-explorer.js';
import { assignServer, guardAfterInit } from './handlers/gateway-instance.js';
import { locateNest, type NestContext, type NestLocator } from './handlers/nest-context.js';
import { addLifecycle } from './lifecycle.js';
import { WebwireServer, type Listener } from './server/server.js';
import { planServers, type PlannedServer } from './server-plan.js';
import type { ListenTarget } from './transport/transport.js';
import { WsTransport } from './transport/ws/ws-transport.js';
import { checkModuleOptions, type WebwireModuleOptions } from './webwire-options.js';
import { MODULE_OPTIONS_TOKEN } from './webwire.module-definition.js';

/** What Nest says of the gateway for which it asks for a server. */
interface GatewayRequest {
  readonly path?: string;
  readonly namespace?: symbol;
}

/**
 * The WebSocket adapter that lets Nest's gateways speak WebWire. `WebwireModule` installs it; without the module:
 *
 * @example app.useWebSocketAdapter(new WebwireAdapter(app));
 */
export class WebwireAdapter implements WebSocketAdapter<WebwireServer> {
  readonly #locator: NestLocator;
  readonly #options: WebwireModuleOptions | undefined;
  readonly #logger = new Logger('Webwire');
  readonly #transport = new WsTransport();
  readonly #listeners = new Map<WebwireServer, Listener>();
  #serversByGateway: ReadonlyMap<GatewayDefinition, WebwireServer> | undefined;

  /**
   * @param locator The application (or any of its `ModuleRef`s).
   * @param options As for `WebwireModule.forRoot()`, which is where they come from if they are left out.
   * @throws InvalidOptionError for an option that cannot be used.
   */
  constructor(locator: NestLocator, options?: WebwireModuleOptions) {
    if (options) checkModuleOptions(options);
    this.#locator = locator;
    this.#options = options;
  }

  /**
   * Called by Nest for the first gateway of each port and path, and once more for each `@WebwireGateway()`.
   * @throws InvalidOptionError, or another Error, if the gateways of the application do not work together.
   */
  create(port: number, { path, namespace }: GatewayRequest = {}): WebwireServer {
    this.#serversByGateway ??= this.#createServers();
    for (const [gateway, server] of this.#serversByGateway) {
      const isMeant = namespace
        ? gateway.namespace === namespace
        : gateway.port === port && gateway.options.path === path;
      if (isMeant) return server;
    }
    throw new Error(`no gateway of this application is on port ${port} and path ${path}`);
  }

  // Handlers and connection hooks are not bound for each client but found once, when the servers are created: Nest
  // calls hooks where nobody can wait for them and where a rejection ends the process.
  bindClientConnect(): void {}

  bindMessageHandlers(): void {}

  async close(server: WebwireServer): Promise<void> {
    await server.shutdown();
    await this.#listeners.get(server)?.close();
    this.#listeners.delete(server);
  }

  async dispose(): Promise<void> {
    await Promise.all([...new Set(this.#serversByGateway?.values())].map((server) => this.close(server)));
  }

  #createServers(): ReadonlyMap<GatewayDefinition, WebwireServer> {
    const nest = locateNest(this.#locator);
    const plans = planServers(exploreGateways(nest.modules), this.#options ?? this.#moduleOptions());
    const servers = new Map<GatewayDefinition, WebwireServer>();
    const opening: (() => Promise<void>)[] = [];
    for (const plan of plans) {
      const server = this.#createServer(nest, plan);
      for (const { definition } of plan.gateways) servers.set(definition, server);
      opening.push(this.#prepareToOpen(plan, server));
    }
    addLifecycle(nest.modules, {
      onApplicationBootstrap: async () => {
        await Promise.all(opening.map((open) => open()));
      },
      onModuleDestroy: async () => {
        await Promise.all([...new Set(servers.values())].map((server) => server.shutdown()));
      },
    });
    return servers;
  }

  #createServer(nest: NestContext, { gateways, options }: PlannedServer): WebwireServer {
    const prepare = (gateway: GatewayDefinition, instance: object) => assignServer(gateway, instance, server);
    const server: WebwireServer = new WebwireServer(
      options,
      createDispatcher(nest, gateways, prepare, this.#logger),
      this.#logger,
    );
    for (const { definition } of gateways) guardAfterInit(definition, this.#logger);
    return server;
  }

  /** A port of its own is opened when the application is ready; the HTTP server may already have clients. */
  #prepareToOpen({ port }: PlannedServer, server: WebwireServer): () => Promise<void> {
    const listen = async (target: ListenTarget) => {
      const listener = await this.#transport.listen(server, target);
      this.#listeners.set(server, listener);
      server.attach(listener);
    };
    if (port !== undefined) {
      return async () => {
        server.start();
        await listen({ port });
      };
    }
    const listening = listen({ httpServer: this.#httpServer() });
    // Awaited at the end of the start, which may fail for another reason first.
    listening.catch(() => undefined);
    return async () => {
      await listening;
      server.start();
    };
  }

  #httpServer(): HttpServer {
    const httpServer = this.#locator.get(HttpAdapterHost, { strict: false }).httpAdapter?.getHttpServer() as
      HttpServer | undefined;
    if (!httpServer) throw new Error('this application has no HTTP server; give its WebWire gateways a port');
    return httpServer;
  }

  /** Those of `WebwireModule`, if the application imports it. */
  #moduleOptions(): WebwireModuleOptions {
    try {
      return this.#locator.get<WebwireModuleOptions>(MODULE_OPTIONS_TOKEN as never, { strict: false });
    } catch {
      return {};
    }
  }
}
