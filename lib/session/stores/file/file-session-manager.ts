import { join, resolve } from 'node:path';
import { KeyedQueue } from '../../../common/keyed-queue.js';
import type { ServerLogger } from '../../../common/logger.js';
import { checkAll, countOrInfinity, stringThat, type OptionRules } from '../../../common/options.js';
import { SessionError } from '../../session-error.js';
import { SessionManager, type SessionConnection } from '../../session-manager.js';
import type { Session, SessionRecord } from '../../session.js';
import {
  MAX_SESSION_JSON_SIZE,
  readSessionJson,
  writeSessionJson,
  writeSessionRecord,
  type ReadSession,
  type StoredSession,
} from '../session-record-json.js';
import { makeDirectory, readFile, removeFile, tryDirectory, writeFile } from './atomic-file.js';
import { defaultDirectory } from './default-directory.js';
import { ExpiredFilesSweeper } from './expired-files-sweeper.js';
import { isAbsence, isFull, reasonOf, shown, storeFailed, unusableDirectory, unusableKey } from './file-errors.js';
import { sessionFileName } from './session-file-name.js';
import { removeLeftovers } from './temporary-file.js';

/** Options of {@link FileSessionManager}. */
export interface FileSessionManagerOptions {
  /**
   * The directory of the session files. It is made if it does not exist. A relative path starts at the current directory of
   * the process at the time when the manager is made.
   * @default `wwrsess` beside the nearest `package.json` of the program's main script; without one, beside the script
   */
  readonly directory?: string;
  /**
   * Time since the last lookup after which a session expires and is removed, in milliseconds: an integer of at least 1, or
   * `Infinity`. A client that restores an expired session gets the reply that the session does not exist.
   * @default Infinity (never)
   */
  readonly maxAge?: number;
}

const RULES: OptionRules<FileSessionManagerOptions> = {
  directory: stringThat('the path of a directory', (path) => path !== '' && !path.includes('\0')),
  maxAge: countOrInfinity('milliseconds'),
};

type Operation = 'create' | 'look up' | 'close';

/** Shared by all managers of the process, as two of them may have one directory. */
const operations = new KeyedQueue();

/**
 * Keeps each session in a file of its own, `<key>.wwrsess` (docs/PROTOCOL.md, section 6), which only the owner of the
 * process may read. A file is always complete, even if the process or the machine fails, and is on the disk when the
 * operation ends.
 *
 * Several processes can share a directory. If one closes a session while another looks it up, the session can be found
 * once more, until it is closed again or expires.
 *
 * Keys have 1 to 247 of the characters `A–Z a–z 0–9 - _ =`, and are not the name of a device on Windows, such as `nul`.
 */
export class FileSessionManager extends SessionManager {
  /** The directory of the session files: an absolute path. */
  readonly directory: string;
  /** Time since the last lookup after which a session expires, in ms; `Infinity` for never. */
  readonly maxAge: number;
  readonly #isDefaultDirectory: boolean;
  #logger: ServerLogger | undefined;
  /** True if the last change of a stored session failed, and is in the log. */
  #isUnwritable = false;
  #started: Promise<void> | undefined;
  readonly #sweeper: ExpiredFilesSweeper;

  /** @throws InvalidOptionError if an option cannot be used. */
  constructor(options: FileSessionManagerOptions = {}) {
    super();
    const { directory, maxAge = Infinity } = checkAll(options, RULES, 'FileSessionManager.');
    this.#isDefaultDirectory = directory === undefined;
    this.directory = directory === undefined ? defaultDirectory() : resolve(directory);
    this.maxAge = maxAge;
    this.#sweeper = new ExpiredFilesSweeper(this.directory, maxAge, (path) =>
      operations.run(path, () => this.#removeIfExpired(path)),
    );
  }

  override useLogger(logger: ServerLogger): void {
    this.#logger = logger;
  }

  /**
   * Makes the directory and checks that files can be written in it. Nest calls it at the start of an application.
   * @throws InvalidOptionError if the directory cannot be used.
   */
  async onModuleInit(): Promise<void> {
    try {
      await makeDirectory(this.directory);
      await tryDirectory(this.directory);
    } catch (error) {
      if (!isFull(error)) throw unusableDirectory(this.directory, this.#isDefaultDirectory, error);
      this.#logger?.warn(`Sessions cannot be stored in ${shown(this.directory)} now: ${reasonOf(error)}`);
    }
    if (this.#isDefaultDirectory && process.env.NODE_ENV === 'production') {
      this.#logger?.warn(
        `Sessions are kept in files in ${shown(this.directory)}, the default directory. In production, set ` +
          'sessions.directory to one that deployments keep and backups include, or sessions.manager to a store that all ' +
          'instances of the application share; without sessions, set sessions: false',
      );
    }
  }

  /**
   * @throws SessionError `INVALID_SESSION_KEY` if the key cannot be the name of a file; `INVALID_SESSION_INFO` if the file
   *   would be larger than 1 MiB.
   */
  override assertStorable(session: Session): void {
    if (sessionFileName(session.key) === undefined) throw unusableKey();
    writeSessionRecord(session);
  }

  /**
   * Stores a new session. It replaces a session with the same key.
   * @throws SessionError as `assertStorable()` does; `SESSION_STORE_FAILED` if the file cannot be written.
   */
  async onSessionCreated({ session }: SessionConnection): Promise<void> {
    if (!session) throw new SessionError('SESSION_STORE_FAILED', 'the connection has no session to store');
    const content = Buffer.from(writeSessionRecord(session));
    const isStored = await this.#run('create', session.key, async (path) => {
      await makeDirectory(this.directory);
      await writeFile(path, content, false);
      return true;
    });
    if (!isStored) throw unusableKey();
  }

  /**
   * Finds a session and sets its time of last lookup to now. If this time cannot be written, the lookup succeeds
   * nevertheless; the failure is logged, and not again until a write has succeeded.
   * @returns The session with the time of the lookup before this one; `null` if there is none, it has expired, or the key
   *   cannot be the name of a file.
   * @throws SessionError `SESSION_STORE_FAILED` if the file cannot be read, or does not hold a session.
   */
  async onSessionLookup(key: string): Promise<SessionRecord | null> {
    return this.#run('look up', key, async (path) => {
      const { stored, record } = await this.#read(path);
      if (this.#isExpired(record)) {
        await this.#change(() => removeFile(path));
        return null;
      }
      await this.#change(() => touch(path, stored));
      return record;
    });
  }

  /**
   * Removes a session; one that does not exist counts as removed.
   * @throws SessionError `SESSION_STORE_FAILED` if its file cannot be removed.
   */
  async onSessionClosed(key: string): Promise<void> {
    await this.#run('close', key, removeFile);
  }

  /** Stops the removal of expired sessions, and waits for the one that is being removed. Nest calls it at shutdown. */
  async onModuleDestroy(): Promise<void> {
    await this.#sweeper.stop();
  }

  /**
   * Makes a change that a lookup does not depend on. A failure is logged.
   * @throws as `open` does if the file does not exist any more.
   */
  async #change(change: () => Promise<void>): Promise<void> {
    try {
      await change();
      this.#isUnwritable = false;
    } catch (error) {
      if (isAbsence(error)) throw error;
      if (this.#isUnwritable) return;
      this.#isUnwritable = true;
      this.#logger?.warn(
        `Sessions in ${shown(this.directory)} are restored, but cannot be changed: ${reasonOf(error)}. Their time of last ` +
          'lookup stays as it is, new sessions cannot be stored',
      );
    }
  }

  /** @returns `null` if there is no such file, or the key cannot name one. */
  async #run<Result>(
    operation: Operation,
    key: string,
    task: (path: string) => Promise<Result>,
  ): Promise<Result | null> {
    const name = sessionFileName(key);
    if (name === undefined) return null;
    const path = join(this.directory, name);
    try {
      // Queued before the first wait, so that operations run in the order of the calls.
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
    this.#sweeper.start();
    await removeLeftovers(this.directory);
  }

  /** Never rejects. */
  async #removeIfExpired(path: string): Promise<void> {
    try {
      const { record } = await this.#read(path);
      if (this.#isExpired(record)) await removeFile(path);
    } catch {
      // The file does not exist any more, or is damaged. A lookup reports the latter.
    }
  }

  async #read(path: string): Promise<ReadSession> {
    const content = await readFile(path, MAX_SESSION_JSON_SIZE);
    if (content) return readSessionJson(content);
    throw new SessionError('SESSION_STORE_FAILED', 'the file of the session is not a file of at most 1 MiB');
  }

  #isExpired({ lastLookupAt }: SessionRecord): boolean {
    return Date.now() - lastLookupAt.getTime() > this.maxAge;
  }
}

async function touch(path: string, stored: StoredSession): Promise<void> {
  const json = writeSessionJson({ ...stored, l: new Date().toISOString() });
  await writeFile(path, Buffer.from(json), true);
}
