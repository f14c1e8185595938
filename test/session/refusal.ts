import { SessionError } from '../../lib/session/session-error.js';

/** `CODE: message` of the session error that a function throws; fails if it throws none. */
export function refusalOf(task: () => unknown): string {
  try {
    task();
  } catch (error) {
    if (error instanceof SessionError) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error('nothing was refused');
}
