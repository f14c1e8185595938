import type { Socket } from 'node:net';

/** Listener for the event `error` of a socket. An error without a listener would end the process. */
export function destroySocket(this: Socket): void {
  this.destroy();
}
