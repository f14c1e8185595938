// Imported, so that tests with fake global timers do not stop it.
import { setImmediate } from 'node:timers';
import { encodeMessage, type EncodableMessage, type ProtocolError } from '../protocol/index.js';
import type { TransportConnection, TransportHandlers } from '../server/ports/transport-connection.js';
import { ABNORMAL } from '../transport/abnormal-closure.js';
import { CloseTimer } from '../transport/close-timer.js';
import { frameViolation, textFrame } from '../transport/violations.js';
import { headerLength } from '../transport/ws/framing/frame-header.js';
import type { BunSocket } from './bun-api.js';
import { violationOf } from './bun-violations.js';
import { flushLater } from './flush-queue.js';
import { ReceiveBuffer, LONGEST_COPIED } from './receive-buffer.js';
import { encodeShort, SHORT_MESSAGE } from './send-buffer.js';

/** The length of the shortest frame header, and of that of each ping and pong. */
const CONTROL_HEADER = 2;

/** Memory for the short messages of all connections. */
const RECEIVE_BUFFER = new ReceiveBuffer();

/** Limits of one connection. */
interface BunConnectionLimits {
  /** In bytes. */
  readonly messageBufferSize: number;
  /** In bytes. */
  readonly maxBufferedAmount: number;
  /** In milliseconds. */
  readonly readTimeout: number;
}

/**
 * A WebSocket of Bun as a transport connection. Bun writes all replies to the messages of one read together. Messages that are sent
 * at other times are gathered until the end of the tick.
 */
export class BunConnection implements TransportConnection {
  #socket!: BunSocket<BunConnection>;
  #handlers!: TransportHandlers;
  remoteAddress: string | undefined;
  /** Total bytes of the messages, pings and pongs that have arrived. Bun does not show messages before they are complete. */
  bytesRead = 0;
  /** `true` while messages may be sent. */
  #isOpen = true;
  #isGone = false;
  /** `true` after a violation: Bun may still deliver messages of the same read. */
  #isViolated = false;
  /** `true` while Bun delivers a message. It writes what is sent then after the last message of the read. */
  #isReceiving = false;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  /** Bytes that were passed to Bun, with their frame headers. */
  #sent = 0;
  /** `true` if bytes may wait in Bun. Asking Bun for each message would be slow. */
  #isBehind = false;
  /** The value of `bytesWritten` for which `drained` has to be called; `undefined` if `drain` was not called. */
  #drainAt: number | undefined;
  /** The close frame, while data that precedes it waits. */
  #closing: { readonly code: number; readonly reason: string; readonly timer: CloseTimer } | undefined;

  constructor(private readonly limits: BunConnectionLimits) {}

  /** Called when Bun has accepted the upgrade. */
  open(socket: BunSocket<BunConnection>): void {
    this.#socket = socket;
    this.remoteAddress = socket.remoteAddress;
  }

  /** Messages are delivered after this. */
  start(handlers: TransportHandlers): void {
    this.#handlers = handlers;
  }

  get bytesWritten(): number {
    return this.#sent - this.#waiting();
  }

  get bufferedAmount(): number {
    return this.#gatheredBytes + this.#waiting();
  }

  send(message: Uint8Array): boolean {
    if (!this.#isOpen) return false;
    if (this.#isReceiving) {
      this.#write(message);
      return true;
    }
    if (this.#gathered.length === 0) flushLater(this);
    this.#gathered.push(message);
    this.#gatheredBytes += message.length;
    return true;
  }

  sendMessage(message: EncodableMessage, length: number): boolean {
    if (!this.#isOpen) return false;
    if (!this.#isReceiving || length > SHORT_MESSAGE) return this.send(encodeMessage(message));
    // Bun copies the bytes.
    this.#write(encodeShort(message, length));
    return true;
  }

  pause(): void {
    if (!this.#isGone) this.#socket.pause();
  }

  resume(): void {
    if (!this.#isGone) this.#socket.resume();
  }

  drain(): void {
    if (!this.#isOpen) return;
    this.flush();
    if (this.#drainAt !== undefined) return;
    this.#drainAt = this.#sent;
    if (this.#waiting() === 0) setImmediate(() => this.progressed());
  }

  probe(): void {
    if (this.#isOpen) this.#socket.ping();
  }

  close(code: number, reason: string): void {
    if (!this.#isOpen) return;
    this.flush();
    this.#isOpen = false;
    if (this.#waiting() > 0) {
      // After `close()`, Bun gives the peer a few seconds to take the data, however much it is.
      this.#closing = { code, reason, timer: new CloseTimer(this, this.limits.readTimeout) };
      this.#socket.resume();
    } else {
      this.#sendClose(code, reason);
    }
  }

  terminate(): void {
    this.#isOpen = false;
    if (!this.#isGone) this.#socket.terminate();
  }

  /** Writes the gathered messages. */
  flush(): void {
    const gathered = this.#gathered;
    if (gathered.length === 0) return;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    if (this.#isGone) return;
    if (gathered.length === 1) this.#write(gathered[0]!);
    else this.#socket.cork(() => gathered.forEach((message) => this.#write(message)));
  }

  /** A message has arrived. */
  receive(message: string | Uint8Array): void {
    const isText = typeof message === 'string';
    const length = isText ? Buffer.byteLength(message) : message.length;
    this.bytesRead += CONTROL_HEADER + length;
    if (!this.#isOpen || this.#isViolated) return;
    const { messageBufferSize } = this.limits;
    this.flush();
    this.#isReceiving = true;
    if (length > messageBufferSize) this.#violate(frameViolation('MESSAGE_TOO_LARGE', messageBufferSize));
    else if (isText) this.#violate(textFrame());
    else if (length > LONGEST_COPIED) this.#handlers.receive(message);
    else this.#receiveShort(message);
    this.#isReceiving = false;
  }

  /** A ping has arrived, and Bun has answered it. */
  pinged({ length }: Uint8Array): void {
    this.bytesRead += CONTROL_HEADER + length;
    this.#sent += CONTROL_HEADER + length;
    this.#isBehind = true;
    if (this.bufferedAmount <= this.limits.maxBufferedAmount) return;
    // A peer that pings without reading must not fill the memory with pongs.
    if (this.#isOpen) this.#handlers.congest();
    else this.pause();
  }

  /** A pong has arrived. */
  ponged({ length }: Uint8Array): void {
    this.bytesRead += CONTROL_HEADER + length;
  }

  /** The peer has taken data that waited. */
  progressed(): void {
    if (this.#isGone) return;
    const waiting = this.#waiting();
    if (this.#closing && waiting === 0) {
      this.#sendClose(this.#closing.code, this.#closing.reason);
    } else if (this.#isOpen && this.#drainAt !== undefined && (waiting === 0 || this.bytesWritten >= this.#drainAt)) {
      this.#drainAt = undefined;
      this.#handlers.drained();
    }
  }

  /** The connection is gone, or both sides have sent a close frame, or only this side, which waits no longer. */
  ended(code: number, reason: string): void {
    this.#isOpen = false;
    this.#isGone = true;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#closing?.timer.stop();
    const violation = code === ABNORMAL ? violationOf(reason, this.limits.messageBufferSize) : undefined;
    if (violation) this.#handlers.violate(violation);
    this.#handlers.closed(code !== ABNORMAL);
  }

  #receiveShort(message: Uint8Array): void {
    const start = RECEIVE_BUFFER.add(message);
    this.#handlers.receive(RECEIVE_BUFFER.block, start, start + message.length);
  }

  #write(message: Uint8Array): void {
    this.#sent += headerLength(message.length) + message.length;
    if (this.#socket.send(message) < 0) this.#isBehind = true;
  }

  /** Bytes that wait in Bun. */
  #waiting(): number {
    if (!this.#isBehind) return 0;
    const waiting = this.#isGone ? 0 : this.#socket.getBufferedAmount();
    if (waiting === 0) this.#isBehind = false;
    return waiting;
  }

  #violate(error: ProtocolError): void {
    this.#isViolated = true;
    this.#handlers.violate(error);
  }

  #sendClose(code: number, reason: string): void {
    // The close frame of the peer has to be read.
    this.#socket.resume();
    this.#socket.close(code, reason);
  }
}
