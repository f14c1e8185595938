import { Readable } from 'node:stream';
// Imported, so that tests with fake global timers do not stop reading.
import { setImmediate } from 'node:timers';
import { destroySocket } from './destroy-socket.js';
import type { FrameReader } from './framing/frame-reader.js';
import { copyRead, reuseReadMemory } from './reused-read-memory.js';
import type { UpgradedSocket } from './upgraded-socket.js';
import type { WriteBufferPool } from './writing/write-buffer-pool.js';

/** Most frames that are read from one connection before other connections have their turn. */
const FRAMES_PER_TURN = 128;

/** Key of a socket's reader. All sockets share the same listener functions, which find the reader by this key. */
const READER = Symbol('reader');

type ReadSocket = UpgradedSocket & { [READER]: SocketReader };

/** Gets notified when a socket ends. */
export interface SocketListener {
  /** The socket is closed. Nothing can be written any more. */
  onSocketClosed(): void;
  /**
   * The peer has ended its side, and all frames that arrived before have been read. Called a second time after
   * `onSocketClosed()`, when all remaining frames have been read.
   */
  onReadToEnd(): void;
}

/**
 * Passes the bytes of a socket to a `FrameReader`: a limited number of frames at a time, so that a client that sends much does
 * not delay others, and no frames while reading is paused or held.
 */
export class SocketReader {
  #isPaused = false;
  #isHeld = false;
  /** Bytes that were taken from the socket, but not yet read as frames. */
  #rest: Buffer | undefined;
  #isTurnScheduled = false;
  #isEnded = false;
  #bytesTaken = 0;

  constructor(
    private readonly socket: UpgradedSocket,
    private readonly frames: FrameReader,
    private readonly pool: WriteBufferPool,
    private readonly listener: SocketListener,
  ) {}

  /**
   * Begins to read.
   * @param head Bytes that arrived before the listeners were added.
   */
  start(head: Buffer): void {
    const socket = this.socket as ReadSocket;
    socket[READER] = this;
    if (head.length > 0) socket.unshift(head);
    reuseReadMemory(socket, onRead);
    socket.on('close', onClose).on('data', onData).on('end', onEnd).on('error', destroySocket);
  }

  /** `true` if the peer has ended its side or the socket is closed. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Total bytes taken from the socket. */
  get bytesTaken(): number {
    return this.#bytesTaken;
  }

  /** Stops reading. Bytes that have arrived are still read if the connection ends. */
  pause(): void {
    this.#isPaused = true;
    this.#pauseStream();
  }

  /** Ends `pause()`. Reading begins after this method returns. */
  resume(): void {
    this.#isPaused = false;
    this.#continue();
  }

  /** Stops reading after the current frame until `release()`, also if the connection ends. */
  hold(): void {
    this.#isHeld = true;
    this.frames.hold();
    this.#pauseStream();
  }

  /** Ends `hold()`. Calls `handle` before reading goes on. */
  release(handle: () => void): void {
    this.#isHeld = false;
    this.frames.release();
    this.pool.beginRead();
    try {
      handle();
    } finally {
      this.pool.endRead();
    }
    if (this.#isEnded) this.#readToEnd();
    else this.#continue();
  }

  /** Takes bytes from the socket. @internal */
  take(bytes: Buffer): void {
    this.#bytesTaken += bytes.length;
    const isWaiting = this.#isPaused || this.#isHeld || this.#rest !== undefined;
    // Since Node.js 26, a socket that is destroyed passes on all bytes that have arrived, as it cannot be paused.
    if (isWaiting && this.socket.destroyed) this.#keep([bytes]);
    else this.#read(bytes);
  }

  /** Leaves bytes for later, after those that wait already. */
  #keep(bytes: Buffer[]): void {
    if (this.#rest) bytes.unshift(this.#rest);
    this.#checkMemory(this.#rest);
    this.#rest = bytes.length > 1 ? Buffer.concat(bytes) : bytes[0];
  }

  #read(bytes: Buffer): void {
    const { length } = bytes;
    this.pool.beginRead();
    let end = length;
    try {
      end = this.frames.read(bytes, 0, FRAMES_PER_TURN);
    } finally {
      this.pool.endRead();
    }
    if (end === length) return;
    this.#rest = bytes.subarray(end);
    this.#pauseStream();
    this.#continue();
  }

  /** Reads the bytes that were left for this turn. @internal */
  readRest(): void {
    this.#isTurnScheduled = false;
    const rest = this.#rest;
    if (this.#isPaused || this.#isHeld || !rest) return;
    this.#rest = undefined;
    this.#checkMemory(rest);
    this.#read(rest);
    if (!this.#rest) this.#continue();
  }

  /** The peer has ended its side. @internal */
  end(): void {
    this.#isEnded = true;
    this.#readToEnd();
  }

  /** The socket is closed. @internal */
  close(): void {
    this.#isEnded = true;
    this.listener.onSocketClosed();
    const unread: Buffer[] = [];
    // Since Node.js 26, each call returns the bytes of one packet.
    for (let bytes; (bytes = this.socket.read() as Buffer | null);) unread.push(bytes);
    this.#keep(unread);
    this.#readToEnd();
  }

  /**
   * Stops the events `data`. The stream goes on reading until its buffer is full, so that it notices the end of the connection;
   * with memory that is reused, `socket.pause()` would stop that, too.
   */
  #pauseStream(): void {
    Readable.prototype.pause.call(this.socket);
  }

  /** The rest is never empty, unless the receiver of a message has transferred its memory, which contained the rest as well. */
  #checkMemory(rest: Buffer | undefined): void {
    if (rest?.length === 0) this.frames.loseMemory();
  }

  #continue(): void {
    if (this.#isPaused || this.#isHeld) return;
    if (!this.#rest) {
      this.socket.resume();
    } else if (!this.#isTurnScheduled) {
      this.#isTurnScheduled = true;
      setImmediate(readRest, this);
    }
  }

  /** Reads everything that arrived before the end, even if reading was paused. */
  #readToEnd(): void {
    while (this.#rest && !this.#isHeld) {
      const rest = this.#rest;
      const { length } = rest;
      this.#checkMemory(rest);
      const end = this.frames.read(rest, 0, Infinity);
      this.#rest = end < length ? rest.subarray(end) : undefined;
    }
    if (!this.#isHeld) this.listener.onReadToEnd();
  }
}

/** Takes the bytes of a read. While the stream is paused, or has bytes from before, it keeps them. */
function onRead(this: ReadSocket, length: number): boolean {
  const bytes = copyRead(length);
  if (!this.readableFlowing || this.readableLength > 0) return this.push(bytes);
  this[READER].take(bytes);
  return true;
}

function onData(this: ReadSocket, bytes: Buffer): void {
  this[READER].take(bytes);
}

function onEnd(this: ReadSocket): void {
  this[READER].end();
}

function onClose(this: ReadSocket): void {
  this[READER].close();
}

function readRest(reader: SocketReader): void {
  reader.readRest();
}
