import { AsyncResource } from 'node:async_hooks';

/**
 * Most zlib operations that run at the same time for one `WsTransport`. Each uses up to 300 kB. More operations than threads in
 * the thread pool do not finish sooner, and many would fragment the memory of the process.
 */
const MAX_CONCURRENT = 10;

/** Starts a zlib operation. It has to call `done` exactly once, asynchronously, also if the operation fails. */
export type ZlibTask = (done: () => void) => void;

/** Runs asynchronous zlib operations in order, a limited number at a time. */
export class ZlibLimiter {
  /** A `Set` keeps the order and removes its first element in constant time. */
  readonly #waiting = new Set<ZlibTask>();
  #running = 0;

  run(task: ZlibTask): void {
    if (this.#running < MAX_CONCURRENT) this.#start(task);
    // The end of another task starts this one. `bind()` keeps it out of the asynchronous context of that task.
    else this.#waiting.add(AsyncResource.bind(task));
  }

  #start(task: ZlibTask): void {
    this.#running++;
    task(this.#done);
  }

  readonly #done = (): void => {
    this.#running--;
    const [next] = this.#waiting;
    if (!next) return;
    this.#waiting.delete(next);
    this.#start(next);
  };
}
