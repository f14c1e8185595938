import { opendir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { makeDirectory, readFile, removeFile, writeFile } from './atomic-file.js';
import { KeyedQueue } from '../../../common/keyed-queue.js';
import { badOption, checkMaxAge } from '../manager-options.js';
import { SessionError } from '../../session-error.js';
import {
  isSessionFileName,
  MAX_SESSION_FILE_SIZE,
  readSessionFile,
  sessionFileName,
  writeSessionFile,
  type ReadSession,
} from './session-file.js';
import { SessionManager, type SessionConnection } from '../../session-manager.js';
import type { SessionRecord } from '../../session.js';
import { removeLeftovers } from './temporary-file.js';

/** Options of {@link FileSessionManager}. */
export interface FileSessionManagerOptions {
  /**
   * Where the session files are; made on first need. Relative to the current directory of the process at the time the
   * manager is made. Default: `wwrsess` in the directory of the program's main script, or in the current directory
   * without one.
   */
  readonly directory?: string;
  /**
   * How long after its last lookup a session can still be restored, in ms; then it is removed. A client whose session
   * is gone is told so when it restores it. Default: `Infinity`, for ever.
   */
  readonly maxAge?: number;
}

/** Expired sessions are removed this often at least, in ms. */
const MAX_SWEEP_INTERVAL = 60 * 60 * 1000;

/** Expired sessions are removed this often at most, in ms. */
const MIN_SWEEP_INTERVAL = 1000;

type Operation = 'create' | 'look up' | 'close';

/** Of all managers in the process: two of them may have one directory. */
const operations = new KeyedQueue();

/**
 * Keeps each session in a file of its own, `<key>.wwrsess` (PROTOCOL.md, section 6), which only the owner of the process
 * may read. A file is always whole, whenever the process or the machine fails, and lasts when the operation is done.
 *
 * Several processes can share a directory. A session that one closes at the very moment in which another looks it up
 * may then be found once more, until it is closed again or expires.
 *
 * Keys have 1 to 247 of the characters `A–Z a–z 0–9 - _ =`, and are not the name of a device on Windows, such as `nul`.
 */
export class FileSessionManager extends SessionManager {
  /** Where the session files are: an absolute path. */
  readonly directory: string;
  /** How long after its last lookup a session can still be restored, in ms; `Infinity`: for ever. */
  readonly maxAge: number;
  #started: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sweep: Promise<void> | undefined;
  #isDestroyed = false;

  /** @throws TypeError if an option cannot be used. */
  constructor({ directory, maxAge }: FileSessionManagerOptions = {}) {
    super();
    this.directory = directory === undefined ? join(mainDirectory(), 'wwrsess') : resolve(checkDirectory(directory));
    this.maxAge = checkMaxAge('FileSessionManager', maxAge);
  }

  /**
   * Stores a new session, in place of any with the same key.
   * @throws SessionError `INVALID_SESSION_KEY` if the key cannot be the name of a file; `SESSION_STORE_FAILED` if the
   *   file cannot be written, or would be larger than 1 MiB.
   */
  async onSessionCreated({ session }: SessionConnection): Promise<void> {
    if (!session) throw new SessionError('SESSION_STORE_FAILED', 'the connection has no session to store');
    const { key, createdAt, lastLookupAt, info = null } = session;
    const content = writeSessionFile({ c: createdAt.toISOString(), l: lastLookupAt.toISOString(), i: info });
    const done = await this.#run('create', key, async (path) => {
      await makeDirectory(this.directory);
      await writeFile(path, content, false);
      return true;
    });
    if (done) return;
    throw new SessionError(
      'INVALID_SESSION_KEY',
      'the session key cannot be the name of a file: FileSessionManager takes 1 to 247 of A–Z a–z 0–9 - _ =, ' +
        'and no device names of Windows',
    );
  }

  /**
   * Finds a session and sets its time of last lookup to now.
   * @returns The session with the time of last lookup before; `null` if there is none, it has expired, or the key
   *   cannot be the name of a file.
   * @throws SessionError `SESSION_STORE_FAILED` if there is something else in its place, or the file cannot be read or
   *   written.
   */
  async onSessionLookup(key: string): Promise<SessionRecord | null> {
    return this.#run('look up', key, async (path) => {
      const { stored, record } = await this.#read(path);
      if (this.#isExpired(record)) {
        await removeFile(path);
        return null;
      }
      await writeFile(path, writeSessionFile({ ...stored, l: new Date().toISOString() }), true);
      return record;
    });
  }

  /**
   * Removes a session; one that is not there is removed already.
   * @throws SessionError `SESSION_STORE_FAILED` if its file cannot be removed.
   */
  async onSessionClosed(key: string): Promise<void> {
    await this.#run('close', key, removeFile);
  }

  /** Ends the removal of expired sessions, waiting for the one that is being removed. Nest calls it at shutdown. */
  async onModuleDestroy(): Promise<void> {
    this.#isDestroyed = true;
    clearInterval(this.#timer);
    await this.#sweep;
  }

  /** `null` if there cannot be such a file, or is none. */
  async #run<Result>(
    operation: Operation,
    key: string,
    task: (path: string) => Promise<Result>,
  ): Promise<Result | null> {
    const name = sessionFileName(key);
    if (name === undefined) return null;
    const path = join(this.directory, name);
    try {
      // Queued at once, so that the order is that of the calls, whichever manager starts up faster.
      return await operations.run(path, async () => {
        await (this.#started ??= this.#start());
        return task(path);
      });
    } catch (error) {
      if (operation !== 'create' && isAbsence(error)) return null;
      throw storeFailed(operation, error);
    }
  }

  async #start(): Promise<void> {
    if (this.maxAge !== Infinity && !this.#isDestroyed) {
      const interval = Math.min(Math.max(this.maxAge, MIN_SWEEP_INTERVAL), MAX_SWEEP_INTERVAL);
      this.#timer = setInterval(() => {
        this.#sweep ??= this.#removeExpired().finally(() => (this.#sweep = undefined));
      }, interval).unref();
    }
    await removeLeftovers(this.directory);
  }

  /** One file at a time: nobody waits for it. Never fails; what it cannot remove, the next one or a lookup will. */
  async #removeExpired(): Promise<void> {
    try {
      for await (const { name } of await opendir(this.directory)) {
        if (this.#isDestroyed) return;
        const path = join(this.directory, name);
        if (isSessionFileName(name)) await operations.run(path, () => this.#removeIfExpired(path));
      }
    } catch {
      // The directory is not there yet, or not any more.
    }
  }

  async #removeIfExpired(path: string): Promise<void> {
    try {
      const { record } = await this.#read(path);
      if (this.#isExpired(record)) await removeFile(path);
    } catch {
      // It is gone meanwhile, or damaged: a lookup would tell.
    }
  }

  async #read(path: string): Promise<ReadSession> {
    const content = await readFile(path, MAX_SESSION_FILE_SIZE);
    if (content) return readSessionFile(content);
    throw new SessionError('SESSION_STORE_FAILED', 'the file of the session is not a file of at most 1 MiB');
  }

  #isExpired({ lastLookupAt }: SessionRecord): boolean {
    return Date.now() - lastLookupAt.getTime() > this.maxAge;
  }
}

function checkDirectory(directory: unknown): string {
  if (typeof directory === 'string' && directory !== '' && !directory.includes('\0')) return directory;
  throw badOption('FileSessionManager', 'directory', directory, 'the path of a directory');
}

/** The directory of the script that Node.js was started with; the current directory without one, as in a REPL. */
function mainDirectory(): string {
  const script = process.argv[1];
  if (script === undefined) return process.cwd();
  try {
    // As Node.js itself finds it, for `node .` and `node dist/main` too.
    return dirname(createRequire(import.meta.url).resolve(resolve(script)));
  } catch {
    // Not a script: an argument of `node --eval`, or `-`.
    return process.cwd();
  }
}

/** Whether it says that there is no such file, which file systems that cannot hold its name say as well. */
function isAbsence(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENAMETOOLONG';
}

/** Without the path and the cause, as both hold the key, which must never reach a log. */
function storeFailed(operation: Operation, error: unknown): SessionError {
  if (error instanceof SessionError) return error;
  const { code = 'UNKNOWN', syscall = 'session store' } = error as NodeJS.ErrnoException;
  return new SessionError('SESSION_STORE_FAILED', `cannot ${operation} the session: ${code} (${syscall})`);
}
