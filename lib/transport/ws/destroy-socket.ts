import type { Duplex } from 'node:stream';

/** Listener for the event `error` of a socket. An error without a listener would end the process. */
export function destroySocket(this: Duplex): void {
  this.destroy();
}
