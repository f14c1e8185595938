import type { IncomingHttpHeaders } from 'node:http';
import type { EncodableMessage, ProtocolError } from '../../protocol/index.js';

/**
 * The upgrade request that opened a connection, as far as an application may need it. Transports without such requests make
 * one up: `{ url: server.options.path, headers: {} }`.
 */
export interface ConnectionRequest {
  /** Request target: path and query, as the client sent it. */
  readonly url: string;
  /** HTTP headers, names in lower case. */
  readonly headers: IncomingHttpHeaders;
}

/**
 * One connection as a transport provides it: whole messages, in order, both ways (PROTOCOL.md, section 1).
 * None of the methods throws, whatever state the transport connection is in.
 */
export interface TransportConnection {
  /** Address of the peer, if the transport connection knows one. */
  readonly remoteAddress: string | undefined;
  /** A number that grows with whatever arrives from the peer, were it half a message: the bytes, or anything like it. */
  readonly bytesRead: number;
  /**
   * How much waits because the peer, or what carries to it, has not taken it over yet, in bytes. What `send` merely
   * gathers within one turn of the event loop does not count.
   */
  readonly bufferedAmount: number;
  /**
   * Queues one message. What is queued within one turn of the event loop goes out together, in order. Nobody may change
   * the bytes any more, the transport connection included: others may be sending the same ones.
   * @returns Whether it was queued; it is dropped when the transport connection is closing or closed.
   */
  send(message: Uint8Array): boolean;
  /**
   * Like `send`, for a message that is not encoded: a transport connection that has memory of its own to encode into, before it returns,
   * saves a copy. Absent if it has none.
   * @param length How long the message is once encoded, in bytes; it has been checked.
   */
  sendMessage?(message: EncodableMessage, length: number): boolean;
  /** Stops reading from the peer: what it sends from now on stays in its own buffers. `close` resumes. */
  pause(): void;
  /** Reads again, if it did not; nothing is delivered before it returns. */
  resume(): void;
  /**
   * Called now and then while it is paused: sends something without meaning, so that a peer that is gone is noticed
   * although nothing is read from it. Absent if the transport connection notices anyway.
   */
  probe?(): void;
  /**
   * Sends what is queued, then closes, or ends a peer that does not take part in that within a few seconds. Calling it
   * again does nothing.
   * @param code WebSocket close code.
   * @param reason At most 123 bytes of UTF-8.
   */
  close(code: number, reason: string): void;
  /** Ends it at once, without a word to the peer. Does nothing where it has ended already. */
  terminate(): void;
}

/**
 * What a transport tells of its transport connection; the server hands one out for each (`WebwireServer.accept`). None of the methods
 * throws. They may be called from within methods of the transport connection, but not from within `send`, `sendMessage`, `pause` and
 * `resume`.
 */
export interface TransportHandlers {
  /**
   * One whole message arrived, of any length: the server checks it. It keeps views into `bytes`, which must not be
   * reused.
   * @param start Where the message begins in `bytes`. Default: where they begin.
   * @param end Where it ends. Default: where they end.
   */
  receive(bytes: Uint8Array, start?: number, end?: number): void;
  /**
   * The transport connection itself found the peer in breach, a text frame for instance. It has to deliver nothing more,
   * but stays open for replies until the server calls `close`.
   */
  violate(error: ProtocolError): void;
  /**
   * More than `maxBufferedAmount` waits for the peer because of what the transport connection itself sends, such as pongs. The server
   * closes it. Carriers that send nothing of their own need not call it: the server looks before it sends.
   */
  congest(): void;
  /**
   * The transport connection is gone; nothing can be sent or will arrive any more. Called exactly once, whoever closed it, and after
   * `terminate`, too.
   * @param clean Whether the peer took part in closing it.
   */
  closed(clean: boolean): void;
}
