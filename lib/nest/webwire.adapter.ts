import type { WebSocketAdapter } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import type { Server as HttpServer } from 'node:http';
import { SERVERS_BY_GATEWAY } from './decorators/inject-webwire-server.decorator.js';
import { createDispatcher, type ServedGateway } from './handlers/create-dispatcher.js';
import type { GatewayDefinition } from './handlers/gateway-explorer.js';
import { assignServer } from './handlers/gateway-instance.js';
import { locateNest, type NestContext, type NestLocator } from './handlers/nest-context.js';
import { addLifecycle } from './internals/lifecycle.js';
import { announceAdapter } from './internals/serving-adapter.js';
import type { ServerLogger } from '../common/logger.js';
import { check } from '../common/options.js';
import type { Listener, WebwireServer } from '../server/server.js';
import { SESSION_SERVICE, sessionHubWithoutModule } from './session.providers.js';
import type { SessionService } from '../session/session-service.js';
import { AfterInitHooks } from './servers/after-init.js';
import type { PlannedServer } from './servers/plan-servers.js';
import { cannotListen, explainTakenPort } from './servers/listening-failure.js';
import { ServerRegistry } from './servers/server-registry.js';
import { assertHandlersServed } from './servers/unserved-handlers.js';
import { describeSubscriptions } from './servers/log-subscriptions.js';
import type { ListenTarget, Transport } from '../transport/transport.js';
import { WsTransport } from '../transport/ws/ws-transport.js';
import { checkModuleOptions, type WebwireModuleOptions } from './options/module-options.js';

/** What Nest says of the gateway for which it asks for a server. */
interface GatewayRequest {
  readonly path?: string;
  readonly namespace?: unknown;
}

/**
 * The WebSocket adapter that lets Nest's gateways speak WebWire. `WebwireModule` installs it; without the module:
 *
 * @example app.useWebSocketAdapter(new WebwireAdapter(app));
 */
export class WebwireAdapter implements WebSocketAdapter<WebwireServer> {
  readonly #locator: NestLocator;
  readonly #options: WebwireModuleOptions | undefined;
  readonly #transport = new WsTransport();
  readonly #afterInitHooks = new AfterInitHooks();
  readonly #listeners = new Map<WebwireServer, Promise<Listener>>();
  #sessionService: SessionService | null = null;
  #servers: ReadonlyMap<WebwireServer, PlannedServer> | undefined;

  /**
   * @param locator The application (or any of its `ModuleRef`s).
   * @param options As for `WebwireModule.forRoot()`, which is where they come from if they are left out.
   * @throws InvalidOptionError for an option that cannot be used.
   */
  constructor(locator: NestLocator, options?: WebwireModuleOptions) {
    this.#locator = locator;
    const find = <T>(token: abstract new (...args: never[]) => T): T => locator.get(token, { strict: false });
    announceAdapter(this, find(ModulesContainer), find(ApplicationConfig));
    this.#options = options && checkModuleOptions(options);
    check('cluster of the adapter', options?.cluster, {
      allowed: 'absent: give it to WebwireModule.forRoot(), which makes the application a node',
      accepts: (value) => value === undefined,
    });
  }

  /**
   * Called by Nest for the first gateway of each port and path, and once more for each `@WebwireGateway()`.
   * @throws InvalidOptionError, or another Error, if the gateways of the application do not work together.
   */
  create(port: number, { path, namespace }: GatewayRequest = {}): WebwireServer {
    const isMeant = ({ definition: gateway }: ServedGateway) =>
      typeof namespace === 'symbol'
        ? gateway.namespace === namespace
        : gateway.port === port && gateway.options.path === path;
    this.#servers ??= this.#serve();
    for (const [server, { gateways }] of this.#servers) if (gateways.some(isMeant)) return server;
    throw new Error(`no gateway of this application is on port ${port} and path ${path}`);
  }

  // Handlers and connection hooks are not bound for each client but found once, when the servers are created: Nest
  // calls hooks where nobody can wait for them and where a rejection ends the process.
  bindClientConnect(): void {}

  bindMessageHandlers(): void {}

  async close(server: WebwireServer): Promise<void> {
    await server.shutdown();
    const listener = await this.#listeners.get(server)?.catch(() => undefined);
    this.#listeners.delete(server);
    await listener?.close();
  }

  async dispose(): Promise<void> {
    await Promise.all([...(this.#servers?.keys() ?? [])].map((server) => this.close(server)));
  }

  /** Gives the servers their handlers, and sees to it that they open and close with the application. */
  #serve(): ReadonlyMap<WebwireServer, PlannedServer> {
    const nest = locateNest(this.#locator);
    const ofModule = this.#ofModule(SERVERS_BY_GATEWAY) as ServerRegistry | undefined;
    const set = ofModule ?? new ServerRegistry(nest.modules, {});
    // The module does so itself, as it may be there without a gateway.
    if (!ofModule) assertHandlersServed(nest.modules, nest.config, set.logger);
    const servers = set.make(this.#options);
    for (const [server, plan] of servers) this.#connect(nest, server, plan, set.logger);
    for (const plan of servers.values()) for (const line of describeSubscriptions(plan)) set.logger.log(line);
    const opening = [...servers].map(([server, plan]) => this.#prepareToOpen(plan, server));
    addLifecycle(nest.modules, {
      onApplicationBootstrap: async () => {
        await this.#afterInitHooks.finished(set.logger);
        await this.#initOwnManager();
        await Promise.all(opening.map((open) => open()));
        explainTakenPort(this.#httpServer(), servers, set.logger);
      },
      onModuleDestroy: async () => {
        await Promise.all([...servers.keys()].map((server) => server.shutdown()));
        await this.#destroyOwnManager();
      },
    });
    return servers;
  }

  #connect(
    nest: NestContext,
    server: WebwireServer,
    { gateways, hasSessions }: PlannedServer,
    logger: ServerLogger,
  ): void {
    const prepare = (gateway: GatewayDefinition, instance: object) => assignServer(gateway, instance, server);
    server.serve(createDispatcher(nest, gateways, prepare, logger), hasSessions ? this.#sessionHub() : null);
    for (const { definition } of gateways) this.#afterInitHooks.observe(definition);
  }

  /** A port of its own is opened when the application is ready; the HTTP server may already have clients. */
  #prepareToOpen(plan: PlannedServer, server: WebwireServer): () => Promise<void> {
    const { port, tls, transport = this.#transport } = plan;
    if (port === undefined) this.#listen(transport, server, { httpServer: this.#httpServer() });
    return async () => {
      // The application may have been closed before it was ready.
      if (server.isDraining) return;
      if (port !== undefined) this.#listen(transport, server, { port, tls });
      try {
        server.attach(await this.#listeners.get(server)!);
      } catch (error) {
        throw cannotListen(plan, error);
      }
      server.start();
    };
  }

  #listen(transport: Transport, server: WebwireServer, target: ListenTarget): void {
    const listener = transport.listen(server, target);
    // Awaited at the end of the start, which may fail for another reason first.
    listener.catch(() => undefined);
    this.#listeners.set(server, listener);
  }

  #httpServer(): HttpServer | undefined {
    return this.#locator.get(HttpAdapterHost, { strict: false }).httpAdapter?.getHttpServer() as HttpServer | undefined;
  }

  /** One for all servers of the application. */
  #sessionHub(): SessionService | null {
    const own = this.#options?.sessions;
    const ofModule = this.#ofModule(SESSION_SERVICE) as SessionService | null | undefined;
    if (ofModule === undefined) {
      this.#sessionService ??= sessionHubWithoutModule(own ?? {});
    } else {
      check('sessions of the adapter', own && Object.keys(own).length > 0 ? own : undefined, {
        allowed: 'absent where WebwireModule is imported, whose sessions WebwireService knows',
        accepts: (value) => value === undefined,
      });
      this.#sessionService = ofModule;
    }
    return this.#sessionService;
  }

  /** With the module, Nest calls the hooks of the manager. */
  async #initOwnManager(): Promise<void> {
    if (this.#ofModule(SESSION_SERVICE) !== undefined) return;
    const manager = this.#sessionService?.manager as { onModuleInit?(): unknown } | undefined;
    await manager?.onModuleInit?.();
  }

  /** With the module, Nest calls the hooks of the manager. */
  async #destroyOwnManager(): Promise<void> {
    if (this.#ofModule(SESSION_SERVICE) !== undefined) return;
    const manager = this.#sessionService?.manager as { onModuleDestroy?(): unknown } | undefined;
    await manager?.onModuleDestroy?.();
  }

  /**
   * What `WebwireModule` provides, if the application imports it. Looked for where it would be: `app.get()` ends the
   * process when it finds nothing.
   */
  #ofModule(token: string | symbol): unknown {
    for (const { providers } of this.#locator.get(ModulesContainer, { strict: false }).values()) {
      const wrapper = providers.get(token);
      if (wrapper) return wrapper.instance;
    }
    return undefined;
  }
}
