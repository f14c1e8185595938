import { destroySocket } from '../destroy-socket.js';
import type { UpgradedSocket } from '../upgraded-socket.js';

interface Waiting {
  /** `bytesWritten` of the socket before the other listeners got it. Only a `Socket` has it. */
  readonly bytesWritten: number | undefined;
  /** Number of listeners of the socket before the other listeners got it. */
  readonly listeners: number;
  timer: NodeJS.Timeout;
  readonly giveUp: () => void;
}

/** Upgrades that other listeners of the HTTP server may still answer. */
export class UnansweredUpgrades {
  readonly #waiting = new Map<UpgradedSocket, Waiting>();

  /**
   * Waits for another listener to take a socket: to write to it, to end it or to begin to read from it.
   * @param timeout In milliseconds.
   * @param giveUp Called if no listener takes the socket in time.
   */
  add(socket: UpgradedSocket, timeout: number, giveUp: () => void): void {
    socket.on('error', destroySocket).once('close', this.#forget);
    const timer = setTimeout(() => this.#decide(socket), timeout);
    const { bytesWritten } = socket;
    this.#waiting.set(socket, { bytesWritten, listeners: countListeners(socket), timer, giveUp });
  }

  /**
   * Does the same as `add()`, but gives up at once if no listener does anything with the socket when it gets it. A listener that
   * listens to the socket, for errors for instance, may take it later.
   */
  addUnlikely(socket: UpgradedSocket, timeout: number, giveUp: () => void): void {
    this.add(socket, timeout, giveUp);
    const waiting = this.#waiting.get(socket)!;
    clearTimeout(waiting.timer);
    waiting.timer = setTimeout(() => {
      const isUntouched = countListeners(socket) === waiting.listeners;
      if (isUntouched) this.#decide(socket);
      else waiting.timer = setTimeout(() => this.#decide(socket), timeout);
    }, 0);
  }

  /** Ends waiting for all sockets. Gives up on the unanswered ones, even if a listener reads from them. */
  close(): void {
    for (const [socket, waiting] of this.#waiting) this.#end(socket, waiting);
  }

  #decide(socket: UpgradedSocket): void {
    const waiting = this.#waiting.get(socket)!;
    if (isUnread(socket) || isAnswered(socket, waiting)) this.#end(socket, waiting);
  }

  #end(socket: UpgradedSocket, waiting: Waiting): void {
    this.#remove(socket, waiting);
    if (!isAnswered(socket, waiting)) waiting.giveUp();
    // A rejected client that does not close its side would keep the socket open for ever.
    else if (socket.writableFinished && isUnread(socket)) socket.destroy();
    else if (socket.writableEnded && isUnread(socket)) socket.once('finish', destroySocket);
  }

  #remove(socket: UpgradedSocket, { timer }: Waiting): void {
    clearTimeout(timer);
    this.#waiting.delete(socket);
    socket.off('error', destroySocket).off('close', this.#forget);
  }

  /** All sockets share this listener. It finds its socket in `this`. */
  readonly #forget = ((waiting: Map<UpgradedSocket, Waiting>) =>
    function forget(this: UpgradedSocket): void {
      clearTimeout(waiting.get(this)?.timer);
      waiting.delete(this);
    })(this.#waiting);
}

/** `true` if no listener has begun to read: Node.js emits `upgrade` with `readableFlowing` set to `null`. */
function isUnread({ readableFlowing }: UpgradedSocket): boolean {
  return readableFlowing === null;
}

function countListeners(socket: UpgradedSocket): number {
  return socket.eventNames().reduce((sum, name) => sum + socket.listenerCount(name), 0);
}

function isAnswered(socket: UpgradedSocket, { bytesWritten }: Waiting): boolean {
  return socket.destroyed || socket.writableEnded || socket.bytesWritten !== bytesWritten;
}
