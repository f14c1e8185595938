/** Runs the tasks of each key one after the other, in order; tasks of different keys run at the same time. */
export class KeyedQueue {
  /** The last task of each key that has tasks. */
  readonly #last = new Map<string, Promise<unknown>>();

  /** The number of keys that have tasks. */
  get size(): number {
    return this.#last.size;
  }

  /** Resolves when all tasks that were added before have ended. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#last.values());
  }

  /** @returns The result of the task. A task that fails does not stop those after it. */
  run<Result>(key: string, task: () => Promise<Result>): Promise<Result> {
    const start = (): Promise<Result> => task();
    const result = (this.#last.get(key) ?? Promise.resolve()).then(start, start).finally(() => {
      if (this.#last.get(key) === result) this.#last.delete(key);
    });
    this.#last.set(key, result);
    return result;
  }
}
