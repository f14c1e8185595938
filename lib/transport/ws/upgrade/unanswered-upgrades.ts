import type { Socket } from 'node:net';

interface Waiting {
  /** Bytes that had been written to the socket when the other listeners got it. */
  readonly bytesWritten: number;
  readonly timer: NodeJS.Timeout;
  readonly giveUp: () => void;
}

/** Upgrades that other listeners of the HTTP server may answer, and nobody has answered yet. */
export class UnansweredUpgrades {
  readonly #waiting = new Map<Socket, Waiting>();

  /**
   * Waits for another listener to take a socket: to write to it, to end it or to begin to read from it.
   * @param timeout How long it may take, in milliseconds.
   * @param giveUp Called if none does.
   */
  add(socket: Socket, timeout: number, giveUp: () => void): void {
    const timer = setTimeout(() => this.#decide(socket), timeout);
    this.#waiting.set(socket, { bytesWritten: socket.bytesWritten, timer, giveUp });
    // Other listeners may ignore the socket, and an error without a listener ends the process.
    socket.on('error', destroy).once('close', this.#forget);
  }

  /** Gives up on all sockets that have not been answered, those included that something reads from. */
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
    // A refused client that does not close its side would keep the socket open for ever.
    else if (socket.writableEnded && isUnread(socket)) socket.destroySoon();
  }

  #remove(socket: Socket, { timer }: Waiting): void {
    clearTimeout(timer);
    this.#waiting.delete(socket);
    socket.off('error', destroy).off('close', this.#forget);
  }

  /** One for all sockets: it finds its socket in `this`. */
  readonly #forget = ((waiting: Map<Socket, Waiting>) =>
    function forget(this: Socket): void {
      clearTimeout(waiting.get(this)?.timer);
      waiting.delete(this);
    })(this.#waiting);
}

/** Whether nothing has begun to read from it: Node.js hands it over with `readableFlowing` set to `null`. */
function isUnread({ readableFlowing }: Socket): boolean {
  return readableFlowing === null;
}

function isAnswered(socket: Socket, { bytesWritten }: Waiting): boolean {
  return socket.destroyed || socket.writableEnded || socket.bytesWritten !== bytesWritten;
}

function destroy(this: Socket): void {
  this.destroy();
}
