import { AsyncResource } from 'node:async_hooks';

/** The asynchronous context of whoever makes one: what is run in it later finds the same `AsyncLocalStorage` values. */
export class AsyncScope extends AsyncResource {
  constructor() {
    super('WebwireScope');
  }
}
