import type { Socket } from 'node:net';
import type { FrameReader } from './framing/frame-reader.js';
import type { FlushScheduler } from './writing/flush-scheduler.js';

/** Frames of one connection that are read before it is the turn of others. */
const FRAMES_PER_TURN = 128;

/** Finds the reader of a socket: the listeners of its events are the same functions for all sockets. */
const READER = Symbol('reader');

type ReadSocket = Socket & { [READER]: SocketReader };

/** Called when a socket ends. */
export interface SocketListener {
  /** The socket is closed: nothing can be written any more. */
  onSocketClosed(): void;
  /**
   * The peer sends nothing more, and all frames have been read that arrived before. Called again after `onSocketClosed()`,
   * when the frames have been read that arrived before that.
   */
  onReadToEnd(): void;
}

/**
 * Gives what a socket brings to a `FrameReader`: a part of it at a time, so that a client that sends much leaves others their
 * turn, and nothing while reading is paused or held.
 */
export class SocketReader {
  #isPaused = false;
  #isHeld = false;
  /** Bytes that were read from the socket, but whose frames have not been read yet. */
  #rest: Buffer | undefined;
  #isTurnAwaited = false;
  #isEnded = false;

  constructor(
    private readonly socket: Socket,
    private readonly frames: FrameReader,
    private readonly flushScheduler: FlushScheduler,
    private readonly listener: SocketListener,
  ) {}

  /**
   * Begins to read.
   * @param head Bytes that arrived before.
   */
  start(head: Buffer): void {
    const socket = this.socket as ReadSocket;
    socket[READER] = this;
    if (head.length > 0) socket.unshift(head);
    socket.on('close', onClose).on('data', onData).on('end', onEnd).on('error', onError);
  }

  /** Whether the peer sends nothing more. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Stops reading. What has arrived may still be read if the connection ends. */
  pause(): void {
    this.#isPaused = true;
    this.socket.pause();
  }

  /** Ends `pause()`. Nothing is read before it returns. */
  resume(): void {
    this.#isPaused = false;
    this.#goOn();
  }

  /** Stops reading after the current frame, until `release()`: whatever happens to the connection, its frames wait. */
  hold(): void {
    this.#isHeld = true;
    this.frames.hold();
    this.socket.pause();
  }

  /** Ends `hold()`. `handle` is called before anything else is read. */
  release(handle: () => void): void {
    this.#isHeld = false;
    this.frames.release();
    this.flushScheduler.beginRead();
    try {
      handle();
    } finally {
      this.flushScheduler.endRead();
    }
    if (this.#isEnded) this.#readToEnd();
    else this.#goOn();
  }

  /** Called with the bytes that the socket brings. @internal */
  read(bytes: Buffer): void {
    this.flushScheduler.beginRead();
    let end = bytes.length;
    try {
      end = this.frames.read(bytes, 0, FRAMES_PER_TURN);
    } finally {
      this.flushScheduler.endRead();
    }
    if (end === bytes.length) return;
    this.#rest = bytes.subarray(end);
    this.socket.pause();
    this.#goOn();
  }

  /** Goes on with what was left for another turn. @internal */
  readRest(): void {
    this.#isTurnAwaited = false;
    const rest = this.#rest;
    if (this.#isPaused || this.#isHeld || !rest) return;
    this.#rest = undefined;
    this.read(rest);
    if (!this.#rest) this.#goOn();
  }

  /** The peer sends nothing more. @internal */
  end(): void {
    this.#isEnded = true;
    this.#readToEnd();
  }

  /** The socket is closed. @internal */
  close(): void {
    this.#isEnded = true;
    this.listener.onSocketClosed();
    const unread = this.socket.read() as Buffer | null;
    if (unread) this.#rest = this.#rest ? Buffer.concat([this.#rest, unread]) : unread;
    this.#readToEnd();
  }

  #goOn(): void {
    if (this.#isPaused || this.#isHeld) return;
    if (!this.#rest) {
      this.socket.resume();
    } else if (!this.#isTurnAwaited) {
      this.#isTurnAwaited = true;
      setImmediate(readRest, this);
    }
  }

  /** What arrived before the end counts, although reading may have stopped. */
  #readToEnd(): void {
    while (this.#rest && !this.#isHeld) {
      const rest = this.#rest;
      const end = this.frames.read(rest, 0, Infinity);
      this.#rest = end < rest.length ? rest.subarray(end) : undefined;
    }
    if (!this.#isHeld) this.listener.onReadToEnd();
  }
}

function onData(this: ReadSocket, bytes: Buffer): void {
  this[READER].read(bytes);
}

function onEnd(this: ReadSocket): void {
  this[READER].end();
}

function onError(this: ReadSocket): void {
  this.destroy();
}

function onClose(this: ReadSocket): void {
  this[READER].close();
}

function readRest(reader: SocketReader): void {
  reader.readRest();
}
