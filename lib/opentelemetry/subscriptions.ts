import { subscribe, unsubscribe } from 'node:diagnostics_channel';

type Listener = (message: never) => void;

/** Subscriptions to channels of `node:diagnostics_channel` that end together. */
export class Subscriptions {
  readonly #ends: (() => void)[] = [];

  add(channel: string, listener: Listener): void {
    const subscriber = (message: unknown) => listener(message as never);
    subscribe(channel, subscriber);
    this.#ends.push(() => unsubscribe(channel, subscriber));
  }

  end(): void {
    for (const end of this.#ends.splice(0)) end();
  }
}
