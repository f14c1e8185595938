import { InvalidOptionError } from '../../../common/options.js';
import { SessionError } from '../../session-error.js';

export function unusableKey(): SessionError {
  return new SessionError(
    'INVALID_SESSION_KEY',
    'the session key cannot be the name of a file: FileSessionManager takes 1 to 247 of A–Z a–z 0–9 - _ =, ' +
      'and no device names of Windows',
  );
}

export function unusableDirectory(directory: string, isDefault: boolean, error: unknown): InvalidOptionError {
  return new InvalidOptionError(
    `WebWire option sessions.directory (directory of FileSessionManager) is ${shown(directory)}` +
      `${isDefault ? ' by default' : ''}, where sessions cannot be stored: ${reasonOf(error)}. Set it to a directory that ` +
      'this process may make and write to, use another sessions.manager, or switch sessions off with sessions: false',
  );
}

export function shown(directory: string): string {
  return JSON.stringify(directory);
}

/** Describes an error without its message, as the message holds the path, which may contain a session key. */
export function reasonOf(error: unknown): string {
  if (error instanceof SessionError) return error.message;
  const { code = 'UNKNOWN', syscall = 'session store' } = error as NodeJS.ErrnoException;
  const meaning = MEANINGS[code];
  return `${meaning === undefined ? '' : `${meaning}, `}${code} (${syscall})`;
}

const MEANINGS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EEXIST: 'a file has that name',
  ELOOP: 'symbolic links form a loop',
  ENOENT: 'it does not exist and cannot be made',
  ENOTDIR: 'a part of the path is not a directory',
  EROFS: 'the file system is read-only',
};

/** True if the disk or the quota is full. Deleting other files makes the operation possible again. */
export function isFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** True if the file does not exist. Some file systems report `ENAMETOOLONG` for a name that they cannot hold. */
export function isAbsence(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENAMETOOLONG';
}

/** Makes an error without the path and the cause, as both hold the key, which must not be logged. */
export function storeFailed(operation: string, error: unknown): SessionError {
  if (error instanceof SessionError) return error;
  const { code = 'UNKNOWN', syscall = 'session store' } = error as NodeJS.ErrnoException;
  return new SessionError('SESSION_STORE_FAILED', `cannot ${operation} the session: ${code} (${syscall})`);
}
