import { isUtf8 } from 'node:buffer';
import type { Socket } from 'node:net';
import type { EncodableMessage, ProtocolError } from '../../protocol/index.js';
import type { TransportConnection, TransportHandlers } from '../../server/ports/transport-connection.js';
import { CLOSE_TIMEOUT } from '../close-timeout.js';
import { FINAL_CLOSE, FINAL_PING, FINAL_PONG } from './framing/frame-header.js';
import { FrameReader, type FrameListener } from './framing/frame-reader.js';
import { bytesTaken } from './writing/bytes-taken.js';
import { WriteBatch } from './writing/write-batch.js';
import type { WriteBufferPool } from './writing/write-buffer-pool.js';
import { textFrame } from './violations.js';

/** Frames of one connection that are read before it is the turn of others. */
const FRAMES_PER_TURN = 128;

/** What is put together of pieces cannot be longer, in bytes: buffers have an end, and grow to twice their size. */
const LONGEST_MESSAGE = 0x7fff_ffff;

/** Where a socket's events find the transport connection: their listeners are the same for all sockets. */
const CARRIER = Symbol('carrier');

type CarrierSocket = Socket & { [CARRIER]: WebSocketConnection };

/** What the connections of one server have in common. */
export interface WebSocketSurroundings {
  readonly outgoing: WriteBufferPool;
  /** In bytes. */
  readonly messageBufferSize: number;
  /** In bytes. */
  readonly maxBufferedAmount: number;
}

/**
 * A WebSocket without extensions (RFC 6455) as a transport connection. Messages are read from where the socket put them, and what is sent
 * together leaves in one write.
 */
export class WebSocketConnection implements TransportConnection, FrameListener {
  readonly remoteAddress: string | undefined;
  readonly #reader: FrameReader;
  readonly #batch: WriteBatch;
  #listener: TransportHandlers | undefined;
  #isOpen = true;
  #isCloseReceived = false;
  #isPaused = false;
  /** What was read from the socket, but is to be looked at another time. */
  #rest: Buffer | undefined;
  #isTurnOver = false;
  #cutting: NodeJS.Timeout | undefined;
  #isDraining = false;
  /** What the last ping brought that is to be answered when the backlog has been written. */
  #latePing: Buffer | undefined;

  /** @param response Accepts the upgrade; it is sent with the first messages. */
  constructor(
    private readonly socket: Socket,
    private readonly surroundings: WebSocketSurroundings,
    response: Uint8Array,
  ) {
    // Unknown once the socket is closed.
    this.remoteAddress = socket.remoteAddress;
    this.#reader = new FrameReader(this, Math.min(surroundings.messageBufferSize, LONGEST_MESSAGE));
    this.#batch = new WriteBatch(socket, surroundings.outgoing, (error) => this.#fail(error));
    this.#batch.addPiece(response);
  }

  /**
   * Begins to read.
   * @param head What the client sent right after its upgrade request.
   */
  start(listener: TransportHandlers, head: Buffer): void {
    this.#listener = listener;
    const socket = this.socket as CarrierSocket;
    socket[CARRIER] = this;
    socket.setTimeout(0);
    socket.setNoDelay();
    if (head.length > 0) socket.unshift(head);
    socket.on('close', onClose).on('data', onData).on('end', onEnd).on('error', onError);
  }

  get bytesRead(): number {
    return this.socket.bytesRead;
  }

  get bytesWritten(): number {
    return bytesTaken(this.socket);
  }

  get bufferedAmount(): number {
    return this.#batch.size + this.socket.writableLength;
  }

  send(message: Uint8Array): boolean {
    if (this.#isOpen) this.#batch.addEncoded(message);
    return this.#isOpen;
  }

  sendMessage(message: EncodableMessage, length: number): boolean {
    if (this.#isOpen) this.#batch.addMessage(message, length);
    return this.#isOpen;
  }

  pause(): void {
    this.#isPaused = true;
    this.socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#rest) this.#takeTurn();
    else this.socket.resume();
  }

  drain(): void {
    if (!this.#isOpen || this.#isDraining) return;
    this.#isDraining = true;
    this.#batch.drain((error) => this.#drained(error));
  }

  probe(): void {
    if (this.#isOpen) this.#batch.addControl(FINAL_PING, NOTHING);
  }

  close(code: number, reason: string): void {
    if (!this.#isOpen) return;
    const payload = Buffer.from(`..${reason}`);
    payload.writeUInt16BE(code);
    this.#sendClose(payload);
  }

  terminate(): void {
    this.#isOpen = false;
    this.socket.destroy();
  }

  onMessage(bytes: Buffer, start: number, end: number, isBinary: boolean): void {
    if (isBinary) this.#listener!.receive(bytes, start, end);
    else this.#listener!.violate(textFrame());
  }

  onPing(data: Buffer): void {
    if (!this.#isOpen) return;
    if (this.bufferedAmount <= this.surroundings.maxBufferedAmount) {
      this.#batch.addControl(FINAL_PONG, data);
      return;
    }
    // A peer that pings without reading must not fill the memory with pongs: only the last ping is answered, as RFC 6455
    // (section 5.5.3) allows.
    this.#latePing = Buffer.from(data);
    this.drain();
    this.#listener!.congest();
  }

  onClose(payload: Buffer): void {
    this.#isCloseReceived = true;
    // A reason that is not text is no reason: what goes out has to be valid, whatever came.
    if (this.#isOpen) this.#sendClose(isUtf8(payload.subarray(2)) ? payload : payload.subarray(0, 2));
    else this.socket.end();
  }

  onViolation(error: ProtocolError): void {
    this.#listener!.violate(error);
  }

  /** A client that sends much at once is answered a part of it at a time, in order. */
  read(bytes: Buffer): void {
    const { flushScheduler } = this.surroundings.outgoing;
    flushScheduler.beginRead();
    let end = bytes.length;
    try {
      end = this.#reader.read(bytes, 0, FRAMES_PER_TURN);
    } finally {
      flushScheduler.endRead();
    }
    if (end === bytes.length) return;
    this.#rest = bytes.subarray(end);
    this.socket.pause();
    this.#takeTurn();
  }

  /** Goes on with what was left for another turn. */
  readRest(): void {
    this.#isTurnOver = false;
    const rest = this.#rest;
    if (this.#isPaused || !rest) return;
    this.#rest = undefined;
    this.read(rest);
    if (!this.#isPaused && !this.#rest) this.socket.resume();
  }

  /** The peer sends nothing more. It may still read what is on its way, or not: it is not waited for for ever. */
  end(): void {
    const rest = this.#rest;
    this.#rest = undefined;
    // What arrived before the end is answered, as far as it can be at once.
    if (rest) this.#reader.read(rest, 0, Infinity);
    this.#batch.flush();
    this.#isOpen = false;
    this.socket.end();
    this.#cutLater();
  }

  /** The socket is closed. */
  gone(): void {
    this.#isOpen = false;
    this.#batch.discard();
    clearTimeout(this.#cutting);
    // What arrived before the end counts, although reading had stopped.
    for (const bytes of [this.#rest, this.socket.read() as Buffer | null]) {
      if (bytes) this.#reader.read(bytes, 0, Infinity);
    }
    this.#rest = undefined;
    this.#listener!.closed(this.#isCloseReceived);
  }

  #drained(error: Error | null | undefined): void {
    this.#isDraining = false;
    if (error || !this.#isOpen) return;
    const ping = this.#latePing;
    this.#latePing = undefined;
    if (ping) this.#batch.addControl(FINAL_PONG, ping);
    this.#listener!.drained();
  }

  #fail(error: unknown): void {
    this.#isOpen = false;
    this.#listener!.fail(error);
  }

  /** The answer has to be read, unless it came first, or nothing can be read any more. */
  #sendClose(payload: Uint8Array): void {
    this.#batch.addControl(FINAL_CLOSE, payload);
    this.#batch.flush();
    this.#isOpen = false;
    if (this.#reader.isDone) this.socket.end();
    this.resume();
    this.#cutLater();
  }

  /** Gives up on a peer that does not do its part in closing. As long as it takes what is on its way, it is waited for. */
  #cutLater(): void {
    if (this.#cutting) return;
    const { bytesWritten } = this;
    this.#cutting = setTimeout(() => {
      this.#cutting = undefined;
      if (this.bytesWritten > bytesWritten) this.#cutLater();
      else this.socket.destroy();
    }, CLOSE_TIMEOUT);
  }

  #takeTurn(): void {
    if (this.#isTurnOver) return;
    this.#isTurnOver = true;
    setImmediate(readRest, this);
  }
}

function onData(this: CarrierSocket, bytes: Buffer): void {
  this[CARRIER].read(bytes);
}

function onEnd(this: CarrierSocket): void {
  this[CARRIER].end();
}

function onError(this: CarrierSocket): void {
  this.destroy();
}

function onClose(this: CarrierSocket): void {
  this[CARRIER].gone();
}

function readRest(transportConnection: WebSocketConnection): void {
  transportConnection.readRest();
}

const NOTHING = new Uint8Array(0);
