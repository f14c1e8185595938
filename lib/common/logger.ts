import { inspect } from 'node:util';

/** Logs events and problems of a server for its operator. Nest's `Logger` implements it. */
export interface ServerLogger {
  log(message: string): void;
  debug(message: string): void;
  warn(message: string): void;
  error(message: string, stack?: string): void;
}

/** Most nested causes of an error in the log. */
const MAX_CAUSES = 4;

/**
 * Describes an error and its causes for the log, or a thrown value that is not an error. Never throws, even if a getter of
 * the error does.
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

/** The message of an error in one line, or a description of a thrown value that is not an error. Never throws. */
export function messageOf(error: unknown): string {
  try {
    if (!(error instanceof Error)) return inspect(error, { depth: 0, maxStringLength: 200 });
    const message: unknown = error.message;
    return String(message);
  } catch {
    return 'an error that cannot be described';
  }
}

/** Wraps a logger, so that its failures do not fail the operation that logs, such as a reply to a client. */
export function quiet(logger: ServerLogger): ServerLogger {
  const attempt = (write: () => void) => {
    try {
      write();
    } catch {
      // A failure of the logger cannot be logged.
    }
  };
  return {
    log: (message) => attempt(() => logger.log(message)),
    debug: (message) => attempt(() => logger.debug(message)),
    warn: (message) => attempt(() => logger.warn(message)),
    error: (message, stack) => attempt(() => logger.error(message, stack)),
  };
}
