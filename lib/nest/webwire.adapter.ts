import type { WebSocketAdapter } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import type { Server as HttpServer } from 'node:http';
import { inspect } from 'node:util';
import { SERVERS_BY_GATEWAY } from './decorators/inject-webwire-server.decorator.js';
import { createDispatcher, type ServedGateway } from './handlers/create-dispatcher.js';
import type { GatewayDefinition } from './handlers/gateway-explorer.js';
import { handshakeGuardsOf } from './handlers/handshake-guards.js';
import { assignServer } from './handlers/gateway-instance.js';
import { locateNest, type NestContext, type NestLocator } from './handlers/nest-context.js';
import { addLifecycle } from './internals/lifecycle.js';
import { detachHandshakeGuards } from './internals/handshake-guard-list.js';
import { loadTransientEnhancers } from './internals/load-instances.js';
import { attachGlobalScopedEnhancers, forgetScope } from './internals/scoped-enhancers.js';
import { announceAdapter } from './internals/serving-adapter.js';
import type { ServerLogger } from '../common/logger.js';
import { check, InvalidOptionError } from '../common/options.js';
import type { Listener, WebwireServer } from '../server/server.js';
import { SESSION_SERVICE, createSessionServiceWithoutModule } from './session.providers.js';
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

/** The options of a gateway that Nest passes with its port. @inline */
interface GatewayRequest {
  readonly path?: string;
  readonly namespace?: unknown;
}

/**
 * The WebSocket adapter that serves Nest's gateways with WebWire. `WebwireModule` installs it. Without the module:
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
   * @param options As for `WebwireModule.forRoot()`. Without them, the adapter uses those of the module.
   * @throws InvalidOptionError for an invalid option.
   */
  constructor(locator: NestLocator, options?: WebwireModuleOptions) {
    this.#locator = locator;
    const find = <T>(token: abstract new (...args: never[]) => T): T => locator.get(token, { strict: false });
    this.#options = options && checkModuleOptions(options);
    check('cluster of the adapter', options?.cluster, {
      allowed: 'absent: give it to WebwireModule.forRoot(), which makes the application a node',
      accepts: (value) => value === undefined,
    });
    announceAdapter(this, find(ModulesContainer), find(ApplicationConfig));
  }

  /** The checked options that the adapter was made with; `undefined` if it uses those of the module. @internal */
  get ownOptions(): WebwireModuleOptions | undefined {
    return this.#options;
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

  // Handlers and connection hooks are not bound for each client, but found once, when the servers are created. Nest would
  // call hooks without awaiting them, and a rejection would end the process.
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

  /** Creates the servers with their handlers, and opens and closes them with the application. */
  #serve(): ReadonlyMap<WebwireServer, PlannedServer> {
    const nest = locateNest(this.#locator);
    const ofModule = this.#findInModule(SERVERS_BY_GATEWAY) as ServerRegistry | undefined;
    const registry = ofModule ?? new ServerRegistry(nest.modules, {});
    // The module makes this check itself, because it may be imported without a gateway.
    if (!ofModule) assertHandlersServed(nest.modules, nest.config, registry.logger);
    const servers = registry.make(this.#options);
    for (const [server, plan] of servers) {
      for (const gateway of plan.gateways) settleScope(nest, gateway);
      this.#connect(nest, server, plan, registry.logger);
      for (const { definition } of plan.gateways) this.#afterInitHooks.observe(definition);
    }
    for (const plan of servers.values()) for (const line of describeSubscriptions(plan)) registry.logger.log(line);
    const opening = [...servers].map(([server, plan]) => this.#prepareToOpen(plan, server));
    addLifecycle(nest.modules, {
      onApplicationBootstrap: async () => {
        await this.#afterInitHooks.finished(registry.logger);
        for (const [server, plan] of servers) {
          // The handlers were built with instances that are not made yet.
          if (await makeEnhancers(plan)) this.#connect(nest, server, plan, registry.logger);
        }
        await this.#initOwnManager();
        await Promise.all(opening.map((open) => open()));
        explainTakenPort(this.#httpServer(), servers, registry.logger);
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
    server.serve(createDispatcher(nest, gateways, prepare, logger), hasSessions ? this.#findSessionService() : null);
  }

  /**
   * Returns a function that opens a server. The port of a gateway is opened then. On the application's HTTP server the transport
   * listens at once, as upgrades may arrive before the application is ready.
   */
  #prepareToOpen(plan: PlannedServer, server: WebwireServer): () => Promise<void> {
    const { port, tls, transport = this.#transport } = plan;
    if (port === undefined) this.#listen(transport, server, { httpServer: this.#httpServer() });
    return async () => {
      // The application may be closed before it is ready.
      if (server.isDraining) return;
      if (port !== undefined) this.#listen(transport, server, { port, tls, application: this });
      try {
        server.attach(await this.#listeners.get(server)!);
      } catch (error) {
        throw cannotListen(plan, error);
      }
      server.start();
    };
  }

  #listen(transport: Transport, server: WebwireServer, target: ListenTarget): void {
    const listener = Promise.resolve(transport.listen(server, target)).then(checkListener);
    // Awaited at the end of the start. Until then, or if the start fails for another reason, a rejection is not unhandled.
    listener.catch(() => undefined);
    this.#listeners.set(server, listener);
  }

  #httpServer(): HttpServer | undefined {
    return this.#locator.get(HttpAdapterHost, { strict: false }).httpAdapter?.getHttpServer() as HttpServer | undefined;
  }

  /** The session service that all servers of the application share; `null` if sessions are off. */
  #findSessionService(): SessionService | null {
    const own = this.#options?.sessions;
    const ofModule = this.#findInModule(SESSION_SERVICE) as SessionService | null | undefined;
    if (ofModule === undefined) {
      this.#sessionService ??= createSessionServiceWithoutModule(own ?? {});
    } else {
      check('sessions of the adapter', own && Object.keys(own).length > 0 ? own : undefined, {
        allowed: 'absent where WebwireModule is imported: give sessions to WebwireModule.forRoot()',
        accepts: (value) => value === undefined,
      });
      this.#sessionService = ofModule;
    }
    return this.#sessionService;
  }

  /** Initialises the manager of an adapter without the module. With the module, Nest calls the hooks of the manager. */
  async #initOwnManager(): Promise<void> {
    if (this.#findInModule(SESSION_SERVICE) !== undefined) return;
    const manager = this.#sessionService?.manager as { onModuleInit?(): unknown } | undefined;
    await manager?.onModuleInit?.();
  }

  /** Destroys the manager of an adapter without the module. */
  async #destroyOwnManager(): Promise<void> {
    if (this.#findInModule(SESSION_SERVICE) !== undefined) return;
    const manager = this.#sessionService?.manager as { onModuleDestroy?(): unknown } | undefined;
    await manager?.onModuleDestroy?.();
  }

  /**
   * A provider of `WebwireModule`; `undefined` if the application does not import it. Searches the modules, because `app.get()`
   * ends the process if it finds nothing.
   */
  #findInModule(token: string | symbol): unknown {
    for (const { providers } of this.#locator.get(ModulesContainer, { strict: false }).values()) {
      const wrapper = providers.get(token);
      if (wrapper) return wrapper.instance;
    }
    return undefined;
  }
}

/** Settles if a gateway is made for each message, which depends on its enhancers. */
function settleScope({ config }: NestContext, { definition: gateway, hasGlobalEnhancers }: ServedGateway): void {
  if (hasGlobalEnhancers) attachGlobalScopedEnhancers(config, gateway.wrapper);
  forgetScope(gateway.wrapper);
  detachHandshakeGuards(gateway.wrapper, handshakeGuardsOf(gateway));
}

/** Makes the transient enhancers of gateways that Nest has not made, and returns `true` if there were any. */
async function makeEnhancers({ gateways }: PlannedServer): Promise<boolean> {
  let haveMade = false;
  for (const { definition } of gateways) {
    if (await loadTransientEnhancers(definition.module, definition.wrapper)) haveMade = true;
  }
  return haveMade;
}

/** The return value of an untyped transport may be anything. */
function checkListener(listener: Listener | undefined): Listener {
  if (typeof listener?.close === 'function') return listener;
  throw new InvalidOptionError(
    `listen() of the WebWire transport returned ${inspect(listener, { depth: 0 })}, but has to return a promise of a listener: ` +
      'an object with the property address and the function close',
  );
}
