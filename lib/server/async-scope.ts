import { AsyncResource, executionAsyncId } from 'node:async_hooks';

/**
 * An asynchronous context that begins with the `AsyncLocalStorage` values of its creator. Code that runs in it sees them, and
 * values that it sets itself (`enterWith`) end with it.
 */
export class AsyncScope extends AsyncResource {
  constructor() {
    // The default of Node.js. Passing it as a number avoids reading an options object, which takes twice as long.
    super('WebwireScope', executionAsyncId());
  }
}
