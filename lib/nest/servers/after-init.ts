import { messageOf, type ServerLogger } from '../../common/logger.js';
import type { GatewayDefinition } from '../handlers/gateway-explorer.js';

/** Time after which a warning names the gateways for which the start still waits, in milliseconds. */
const SLOW_START = 5_000;

/**
 * Awaits the `afterInit` hooks of an application, and fails its start if one throws or rejects: a gateway that sets up its
 * protection in `afterInit` must not serve without it. Nest itself does not await their promises, and an exception or a
 * rejection would end the process.
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
      // Awaited at the end of the start. Until then, or if the start fails for another reason, a rejection is not unhandled.
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
