import { inspect } from 'node:util';

/** Where a server reports what its operator should know. Nest's `Logger` fits. */
export interface ServerLogger {
  log(message: string): void;
  debug(message: string): void;
  warn(message: string): void;
  error(message: string, stack?: string): void;
}

/** Describes an error for the log, and what was thrown instead of one. Never throws, whatever the error does. */
export function stackOf(error: unknown): string {
  try {
    if (!(error instanceof Error)) return `thrown: ${inspect(error, { depth: 0, maxStringLength: 200 })}`;
    const description: unknown = error.stack ?? error.message;
    return String(description);
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
