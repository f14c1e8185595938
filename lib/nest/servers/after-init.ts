import { messageOf, type ServerLogger } from '../../common/logger.js';
import type { GatewayDefinition } from '../handlers/gateway-explorer.js';

/** After this time, in milliseconds, a warning names the gateways whose hooks are still pending. */
const SLOW_START = 5_000;

/**
 * Awaits the `afterInit` hooks of an application. The start fails if one of them throws or rejects, because `afterInit` may set
 * up the protection of a gateway, which must not serve clients without it. Nest does not await the hooks, so their rejections
 * would end the process.
 */
export class AfterInitHooks {
  readonly #calls: Promise<void>[] = [];
  readonly #pending = new Set<string>();

  /** Replaces the hook of a gateway by one that neither throws nor rejects. */
  observe({ name, wrapper }: GatewayDefinition): void {
    const instance = wrapper.instance as { afterInit?: (server: unknown) => unknown };
    const { afterInit } = instance;
    if (typeof afterInit !== 'function') return;
    const observed = (server: unknown): void => {
      const call = this.#run(name, () => afterInit.call(instance, server));
      // `finished()` awaits the call at the end of the start. Without this handler, an earlier rejection would end the process.
      call.catch(() => undefined);
      this.#calls.push(call);
    };
    Object.defineProperty(instance, 'afterInit', { value: observed, configurable: true, writable: true });
  }

  /**
   * Resolves when all called hooks have ended.
   * @throws Error that names the gateway whose hook failed.
   */
  async finished(logger: ServerLogger): Promise<void> {
    const explain = () => logger.warn(`The start still waits for afterInit() of ${[...this.#pending].join(', ')}`);
    const timer = setTimeout(explain, SLOW_START);
    try {
      await Promise.all(this.#calls);
    } finally {
      clearTimeout(timer);
    }
  }

  async #run(gateway: string, call: () => unknown): Promise<void> {
    this.#pending.add(gateway);
    try {
      await call();
      this.#pending.delete(gateway);
    } catch (error) {
      const reason = `${gateway}.afterInit() failed, so the application does not start: ${messageOf(error)}`;
      throw new Error(reason, { cause: error });
    }
  }
}
