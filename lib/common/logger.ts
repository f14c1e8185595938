import { inspect } from 'node:util';

/** Where a server reports what its operator should know. Nest's `Logger` fits. */
export interface ServerLogger {
  log(message: string): void;
  debug(message: string): void;
  warn(message: string): void;
  error(message: string, stack?: string): void;
}

/** Causes of causes end up in the log up to this depth. */
const MAX_CAUSES = 4;

/**
 * Describes an error and its causes for the log, or the value that was thrown instead of one. Never throws, whatever the
 * error does.
 */
export function stackOf(error: unknown, causes = 0): string {
  try {
    if (!(error instanceof Error)) return `thrown: ${inspect(error, { depth: 0, maxStringLength: 200 })}`;
    const description: unknown = error.stack ?? error.message;
    const { cause } = error;
    const isDescribed = !(cause instanceof Error) || causes >= MAX_CAUSES;
    return isDescribed ? String(description) : `${String(description)}\n[cause]: ${stackOf(cause, causes + 1)}`;
  } catch {
    return 'thrown: an error that cannot be described';
  }
}

/** The message of an error in one line, or a description of what was thrown instead of one. Never throws. */
export function messageOf(error: unknown): string {
  try {
    if (!(error instanceof Error)) return inspect(error, { depth: 0, maxStringLength: 200 });
    const message: unknown = error.message;
    return String(message);
  } catch {
    return 'an error that cannot be described';
  }
}

/** A logger that never throws: a failing one must not cost a client its answer. */
export function quiet(logger: ServerLogger): ServerLogger {
  const attempt = (write: () => void) => {
    try {
      write();
    } catch {
      // There is nobody left to tell.
    }
  };
  return {
    log: (message) => attempt(() => logger.log(message)),
    debug: (message) => attempt(() => logger.debug(message)),
    warn: (message) => attempt(() => logger.warn(message)),
    error: (message, stack) => attempt(() => logger.error(message, stack)),
  };
}
