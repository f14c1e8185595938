/** Where a server reports what its operator should know. Nest's `Logger` fits. */
export interface ServerLogger {
  debug(message: string): void;
  warn(message: string): void;
  error(message: string, stack?: string): void;
}

/** Lists an error's stack (or, for what is not an error, its kind only) for a log line. */
export function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : `thrown: ${typeof error}`;
}
