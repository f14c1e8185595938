import { BaseExceptionFilter } from '@nestjs/core';
import type { ServerLogger } from '../../common/logger.js';
import { isIntended } from './failure.js';
import type { MessageContext } from './message-context.js';

/** Longest text of an error in a log line, in characters. */
const MAX_TEXT_LENGTH = 200;

/** Logs, for one handler, that an enhancer which is written for HTTP fails on messages: once for each of them. */
export class HttpEnhancers {
  readonly #reported = new Set<unknown>();

  /** @param handler `Class.method`, for the log. */
  constructor(
    private readonly handler: string,
    private readonly logger: ServerLogger,
  ) {}

  /**
   * A guard or an interceptor failed. Does nothing if it did not ask for HTTP, threw an exception for the client, or handed on the failure
   * of what it called.
   */
  failed(kind: 'guard' | 'interceptor', enhancer: object, error: unknown, context: MessageContext): void {
    const { constructor } = enhancer;
    if (!context.usesHttp || error === context.innerFailure || isIntended(error)) return;
    if (this.#reported.has(constructor)) return;
    this.#reported.add(constructor);
    this.logger.error(
      `The ${kind} ${nameOf(enhancer)} failed on ${this.handler}: ${escapedTextOf(error)}. ${adviceFor(kind)}`,
    );
  }
}

/** Explains the failure of an exception filter; empty if the filter did not ask for HTTP. */
export function adviceForFilter({ filter, usesHttp }: MessageContext): string {
  return usesHttp || filter instanceof BaseExceptionFilter ? ` ${adviceFor('exception filter')}.` : '';
}

function adviceFor(kind: string): string {
  return (
    `It asks for the request or the response of HTTP, but this is a message. Let the ${kind} check context.getType() first, ` +
    'and use context.switchToWs() for messages. If it is a global one that messages do not need, set the WebWire option ' +
    'globalEnhancers to false, which leaves all global enhancers to HTTP' +
    (kind === 'guard' ? ': global guards then guard no messages' : '')
  );
}

/** The name of the class of an enhancer. */
export function nameOf(enhancer: object | undefined): string {
  return enhancer?.constructor.name || 'without a name';
}

/** The text of an error for the log, escaped because it may quote the client. */
export function escapedTextOf(error: unknown): string {
  try {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return JSON.stringify(text.slice(0, MAX_TEXT_LENGTH));
  } catch {
    return 'an error that cannot be described';
  }
}
