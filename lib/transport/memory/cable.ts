import { setImmediate } from 'node:timers';
import { Pipe, type MemoryFrame } from './pipe.js';

/** One of the two sides of a connection. */
export interface CableEnd {
  /** Called with each frame that the other side sent. */
  deliver(frame: MemoryFrame): void;
  /** Called when the connection broke. */
  lost(): void;
}

/** A connection within the process: a pipe in each direction. */
export class Cable {
  readonly toServer: Pipe;
  readonly toClient: Pipe;
  #isCut = false;

  constructor(
    private readonly client: CableEnd,
    private readonly server: CableEnd & { drained(): void },
  ) {
    this.toServer = new Pipe((frame) => server.deliver(frame));
    this.toClient = new Pipe(
      (frame) => client.deliver(frame),
      () => server.drained(),
    );
  }

  /** Breaks the connection. Both sides are notified in the next turn of the event loop. */
  cut(): void {
    if (this.#isCut) return;
    this.#isCut = true;
    this.toServer.clear();
    this.toClient.clear();
    setImmediate(() => {
      this.server.lost();
      this.client.lost();
    });
  }
}
