import { AsyncResource } from 'node:async_hooks';

/**
 * An asynchronous context that begins with the `AsyncLocalStorage` values of its creator. Code that runs in it sees them, and
 * values that it sets itself (`enterWith`) end with it.
 */
export class AsyncScope extends AsyncResource {
  constructor() {
    super('WebwireScope');
  }
}
