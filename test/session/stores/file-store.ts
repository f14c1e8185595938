import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { FileSessionManager } from '../../../lib/session/stores/file/file-session-manager.js';
import { SessionError } from '../../../lib/session/session-error.js';
import { temporaryDirectory } from '../temporary-directory.js';

export const RECORDED_KEY = 'a3Jx-9_ExampleKeyWrittenByTheReferenceServer_0123456789abcdefghij';

/** A session file as the reference implementation wrote it. */
export const RECORDED = new URL(`../../fixtures/sessions/${RECORDED_KEY}.wwrsess`, import.meta.url);

/** The largest session file, in bytes. */
export const MIB = 1024 * 1024;

/** A manager whose directory does not exist yet. */
export function setUp(): { directory: string; manager: FileSessionManager } {
  const directory = join(temporaryDirectory(), 'sessions');
  return { directory, manager: new FileSessionManager({ directory }) };
}

/** The session error that something fails with. */
export async function failureOf(task: Promise<unknown>): Promise<SessionError> {
  const error: unknown = await task.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof SessionError) return error;
  throw new Error(`no session error, but ${inspect(error)}`);
}

/** The function that flushes files. A spy on it simulates a disk that fails. */
export async function flushing(): Promise<FileHandle> {
  const file = await open(RECORDED, 'r');
  await file.close();
  return Object.getPrototypeOf(file) as FileHandle;
}
