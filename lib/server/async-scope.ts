import { AsyncResource, executionAsyncId } from 'node:async_hooks';

/**
 * An asynchronous context that begins with the `AsyncLocalStorage` values of its creator. Code that runs in it sees those
 * values. Values that the code sets itself (`enterWith()`) are not visible outside.
 */
export class AsyncScope extends AsyncResource {
  constructor() {
    // The default of Node.js. Passing it as a number avoids reading an options object, which takes twice as long.
    super('WebwireScope', executionAsyncId());
  }
}
