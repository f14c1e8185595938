import type { WebwireConnection } from '../../server/connection.js';
import type { DisconnectReason } from '../../server/disconnect-reason.js';
import { stackOf, type ServerLogger } from '../../common/logger.js';
import { loadPerContext } from '../internals/load-instances.js';
import type { GatewayDefinition } from './gateway-explorer.js';
import { createContext } from './request-context.js';
import { isPromiseLike } from '../../protocol/promise.js';

type HookName = 'handleConnection' | 'handleDisconnect';
type Hook = (connection: WebwireConnection, ...args: unknown[]) => unknown;

/** The `handleConnection` and `handleDisconnect` methods of a server's gateways. */
export class ConnectionHooks {
  readonly #hooks: Record<HookName, [label: string, run: Hook][]> = {
    handleConnection: [],
    handleDisconnect: [],
  };

  constructor(private readonly logger: ServerLogger) {}

  /** @param prepare Called with each instance of a request-scoped gateway. Nest makes one for each call of a hook. */
  add(gateway: GatewayDefinition, prepare: (instance: object) => void): void {
    for (const name of ['handleConnection', 'handleDisconnect'] as const) {
      const instance = gateway.wrapper.instance as Record<HookName, Hook | undefined>;
      if (typeof instance[name] !== 'function') continue;
      const run: Hook = gateway.wrapper.isDependencyTreeStatic()
        ? (...args) => instance[name]!(...args)
        : scopedHook(gateway, name, prepare);
      this.#hooks[name].push([`${gateway.name}.${name}`, run]);
    }
  }

  connected(connection: WebwireConnection): void | Promise<void> {
    return this.#runAll('handleConnection', connection, connection.request);
  }

  disconnected(connection: WebwireConnection, reason: DisconnectReason): void | Promise<void> {
    return this.#runAll('handleDisconnect', connection, reason);
  }

  /** Runs the hooks of all gateways. The failure of one is logged, and the others still run. */
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

function scopedHook(gateway: GatewayDefinition, name: HookName, prepare: (instance: object) => void): Hook {
  const { wrapper, module } = gateway;
  return async (connection, ...args) => {
    const contextId = createContext(gateway, connection);
    const instance = await loadPerContext(module, module.providers, wrapper, contextId);
    prepare(instance);
    return (instance as Record<HookName, Hook>)[name](connection, ...args);
  };
}
