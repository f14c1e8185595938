import { setImmediate } from 'node:timers';
import { Pipe, type Parcel } from './pipe.js';

/** One of the two sides of a connection. */
export interface CableEnd {
  /** Takes what the other side sent. */
  deliver(parcel: Parcel): void;
  /** Learns that the connection broke. */
  lost(): void;
}

/** A connection: a pipe in each direction. */
export class Cable {
  readonly toServer: Pipe;
  readonly toClient: Pipe;
  #isCut = false;

  constructor(
    private readonly client: CableEnd,
    private readonly server: CableEnd & { drained(): void },
  ) {
    this.toServer = new Pipe((parcel) => server.deliver(parcel));
    this.toClient = new Pipe(
      (parcel) => client.deliver(parcel),
      () => server.drained(),
    );
  }

  /** Breaks the connection, which both sides learn a little later. */
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
