import { AsyncResource } from 'node:async_hooks';

/**
 * Uses of zlib that run at once for one `WsTransport`. Each takes up to 300 kB while it runs, and more of them than the
 * thread pool has threads are not faster; many at once would break up the memory of the process.
 */
const MOST_AT_ONCE = 10;

/** Starts a use of zlib. It has to call `done` once, later, whatever the outcome. */
export type ZlibTask = (done: () => void) => void;

/** Runs asynchronous uses of zlib in the order in which they were given, a few at a time. */
export class ZlibLimiter {
  /** A `Set` keeps the order, and gives its first element away without moving the others. */
  readonly #waiting = new Set<ZlibTask>();
  #running = 0;

  run(task: ZlibTask): void {
    if (this.#running < MOST_AT_ONCE) this.#start(task);
    // It is started by the end of another one, whose asynchronous context is that of another connection.
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
