import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { isSessionFileName } from './session-file-name.js';

/** Longest time between two removals of expired sessions, in ms. */
const MAX_INTERVAL = 60 * 60 * 1000;

/** Shortest time between two removals of expired sessions, in ms. */
const MIN_INTERVAL = 1000;

/** Removes the files of expired sessions of one directory, at intervals. */
export class ExpiredFilesSweeper {
  #timer: NodeJS.Timeout | undefined;
  #sweep: Promise<void> | undefined;
  #isStopped = false;

  /**
   * @param maxAge Time after which a session expires, in ms; `Infinity` for never.
   * @param removeIfExpired Removes one file if its session has expired. Must not reject.
   */
  constructor(
    private readonly directory: string,
    private readonly maxAge: number,
    private readonly removeIfExpired: (path: string) => Promise<void>,
  ) {}

  start(): void {
    if (this.maxAge === Infinity || this.#isStopped) return;
    const interval = Math.min(Math.max(this.maxAge, MIN_INTERVAL), MAX_INTERVAL);
    this.#timer = setInterval(() => {
      this.#sweep ??= this.#removeExpired().finally(() => (this.#sweep = undefined));
    }, interval).unref();
  }

  /** Resolves when the removal of the current file has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.#sweep;
  }

  /** Removes one file at a time, as nothing waits for it. Never rejects: the next sweep tries a file that is left again. */
  async #removeExpired(): Promise<void> {
    try {
      for await (const { name } of await opendir(this.directory)) {
        if (this.#isStopped) return;
        if (isSessionFileName(name)) await this.removeIfExpired(join(this.directory, name));
      }
    } catch {
      // The directory does not exist.
    }
  }
}
