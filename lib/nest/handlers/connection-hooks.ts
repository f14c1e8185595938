import type { WebwireConnection } from '../../server/connection.js';
import type { DisconnectReason } from '../../server/disconnect-reason.js';
import { stackOf, type ServerLogger } from '../../common/logger.js';
import { createContext } from './enhanced-invoker.js';
import type { GatewayDefinition } from './gateway-explorer.js';
import type { NestContext } from './nest-context.js';
import { isPromiseLike } from './resolve-result.js';

type HookName = 'handleConnection' | 'handleDisconnect';
type Hook = (connection: WebwireConnection, ...args: unknown[]) => unknown;

/** The `handleConnection` and `handleDisconnect` methods of a server's gateways. */
export class ConnectionHooks {
  readonly #hooks: Record<HookName, [label: string, run: Hook][]> = {
    handleConnection: [],
    handleDisconnect: [],
  };

  constructor(private readonly logger: ServerLogger) {}

  /** @param prepare Called with each instance that is made for a single call. */
  add(nest: NestContext, gateway: GatewayDefinition, prepare: (instance: object) => void): void {
    for (const name of ['handleConnection', 'handleDisconnect'] as const) {
      const instance = gateway.wrapper.instance as Record<HookName, Hook | undefined>;
      if (typeof instance[name] !== 'function') continue;
      const run: Hook = gateway.wrapper.isDependencyTreeStatic()
        ? (...args) => instance[name]!(...args)
        : scopedHook(nest, gateway, name, prepare);
      this.#hooks[name].push([`${gateway.name}.${name}`, run]);
    }
  }

  connected(connection: WebwireConnection): void | Promise<void> {
    return this.#runAll('handleConnection', connection, connection.request);
  }

  disconnected(connection: WebwireConnection, reason: DisconnectReason): void | Promise<void> {
    return this.#runAll('handleDisconnect', connection, reason);
  }

  /** A hook that fails is logged and does not keep the others from running. */
  #runAll(name: HookName, ...args: Parameters<Hook>): void | Promise<void> {
    const pending: Promise<void>[] = [];
    for (const [label, run] of this.#hooks[name]) {
      const fail = (error: unknown) => this.logger.error(`${label} failed`, stackOf(error));
      try {
        const result = run(...args);
        if (isPromiseLike(result)) pending.push(Promise.resolve(result).then(() => undefined, fail));
      } catch (error) {
        fail(error);
      }
    }
    return pending.length > 0 ? Promise.all(pending).then(() => undefined) : undefined;
  }
}

function scopedHook(
  nest: NestContext,
  gateway: GatewayDefinition,
  name: HookName,
  prepare: (instance: object) => void,
): Hook {
  const { wrapper, module } = gateway;
  return async (connection, ...args) => {
    const contextId = createContext(nest, gateway, connection);
    const prototype = wrapper.instance as object;
    const instance = await nest.injector.loadPerContext(prototype, module, module.providers, contextId, wrapper);
    prepare(instance);
    return (instance as Record<HookName, Hook>)[name](connection, ...args);
  };
}
