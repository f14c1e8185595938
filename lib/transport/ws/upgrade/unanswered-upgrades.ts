import type { Socket } from 'node:net';
import { destroySocket } from '../destroy-socket.js';

interface Waiting {
  /** `bytesWritten` of the socket before the other listeners got it. */
  readonly bytesWritten: number;
  readonly timer: NodeJS.Timeout;
  readonly giveUp: () => void;
}

/** Upgrades that other listeners of the HTTP server may still answer. */
export class UnansweredUpgrades {
  readonly #waiting = new Map<Socket, Waiting>();

  /**
   * Waits for another listener to take a socket: to write to it, to end it or to begin to read from it.
   * @param timeout In milliseconds.
   * @param giveUp Called if no listener takes the socket in time.
   */
  add(socket: Socket, timeout: number, giveUp: () => void): void {
    const timer = setTimeout(() => this.#decide(socket), timeout);
    this.#waiting.set(socket, { bytesWritten: socket.bytesWritten, timer, giveUp });
    socket.on('error', destroySocket).once('close', this.#forget);
  }

  /** Ends waiting for all sockets. Gives up on the unanswered ones, even if a listener reads from them. */
  close(): void {
    for (const [socket, waiting] of this.#waiting) this.#end(socket, waiting);
  }

  #decide(socket: Socket): void {
    const waiting = this.#waiting.get(socket)!;
    if (isUnread(socket) || isAnswered(socket, waiting)) this.#end(socket, waiting);
  }

  #end(socket: Socket, waiting: Waiting): void {
    this.#remove(socket, waiting);
    if (!isAnswered(socket, waiting)) waiting.giveUp();
    // A rejected client that does not close its side would keep the socket open for ever.
    else if (socket.writableEnded && isUnread(socket)) socket.destroySoon();
  }

  #remove(socket: Socket, { timer }: Waiting): void {
    clearTimeout(timer);
    this.#waiting.delete(socket);
    socket.off('error', destroySocket).off('close', this.#forget);
  }

  /** All sockets share this listener. It finds its socket in `this`. */
  readonly #forget = ((waiting: Map<Socket, Waiting>) =>
    function forget(this: Socket): void {
      clearTimeout(waiting.get(this)?.timer);
      waiting.delete(this);
    })(this.#waiting);
}

/** `true` if no listener has begun to read: Node.js emits `upgrade` with `readableFlowing` set to `null`. */
function isUnread({ readableFlowing }: Socket): boolean {
  return readableFlowing === null;
}

function isAnswered(socket: Socket, { bytesWritten }: Waiting): boolean {
  return socket.destroyed || socket.writableEnded || socket.bytesWritten !== bytesWritten;
}
