import { stackOf, type ServerLogger } from '../../common/logger.js';
import type { EntrySchemas } from './entry-schemas.js';
import { isIntended } from './failure.js';
import type { GatewayDefinition, HandlerDefinition } from './gateway-explorer.js';
import { adviceForFilter, nameOf, escapedTextOf } from './http-enhancers.js';
import type { HandlerArguments } from './invoker.js';
import { MessageContext } from './message-context.js';
import type { NestContext } from './nest-context.js';
import { staticScope, type Scope } from './nest-pipeline.js';
import { resolveResult } from './resolve-result.js';

/** Runs the exception filters of one handler on its errors. */
export class Recovery {
  /** Finds the filters that were made at start. */
  private readonly scope: Scope;

  constructor(
    private readonly nest: NestContext,
    private readonly gateway: GatewayDefinition,
    private readonly handler: HandlerDefinition,
    private readonly logger: ServerLogger,
    /** Validates the answers of filters, for the handler of an entry of a contract. */
    private readonly schemas?: EntrySchemas,
  ) {
    this.scope = staticScope(gateway);
  }

  /**
   * Runs the filter that catches an error, and returns its result as the answer. If the filter returns nothing, the error is
   * thrown again, so that a failed request never looks like a success. A filter may throw another exception for the client.
   * Any other error of a filter, and an answer that does not fit the contract, is a mistake: it is logged, and the original error
   * is thrown again.
   */
  async recover(instance: object, args: HandlerArguments, error: unknown, scope: Scope = this.scope): Promise<unknown> {
    const { callback } = this.handler;
    const { module } = this.gateway;
    const host = new MessageContext(args, instance.constructor, callback);
    try {
      const { contextId, inquirerId } = scope;
      const filters = this.nest.filters.create(instance, callback, module.token, contextId, inquirerId);
      const answer: unknown = await resolveResult(filters.invokeCustomFilters(error, host), args[2]);
      if (answer instanceof Error) throw answer;
      if (answer !== undefined && answer !== null) {
        // An answer that cannot be sent must not hide the error. What is sent is validated, and transformed, when it is encoded.
        await this.schemas?.result(answer);
        return answer;
      }
    } catch (failure) {
      if (failure !== error) {
        if (isIntended(failure)) throw failure;
        this.#report(host, failure, error);
      }
    }
    throw error;
  }

  #report(host: MessageContext, failure: unknown, given: unknown): void {
    const advice = adviceForFilter(host);
    this.logger.error(
      `An exception filter of ${this.gateway.name}.${this.handler.methodName} failed: ${nameOf(host.filter)}.${advice} ` +
        `The failure that it was given counts as if there were no filter: ${escapedTextOf(given)}`,
      stackOf(failure),
    );
  }
}
