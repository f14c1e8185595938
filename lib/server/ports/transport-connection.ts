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
  /** A number that grows with everything that arrives from the peer, parts of messages included: bytes, or the like. */
  readonly bytesRead: number;
  /**
   * A number that grows with everything that the peer, or the system on its behalf, takes over: bytes, or the like. The
   * server disconnects a peer that takes nothing for the read timeout. Absent: the server takes each change of
   * `bufferedAmount` for progress.
   */
  readonly bytesWritten?: number;
  /**
   * How much waits to be written, in bytes: messages that `send` has gathered within the current turn of the event loop,
   * those that wait to be compressed, and those that the peer, or the system on its behalf, has not taken yet.
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
   * Writes at once what `send` has gathered, and calls `TransportHandlers.drained` (after it returns) when everything that
   * waits now has been written. Absent: the transport connection calls `drained` on its own, whenever nothing waits any more.
   */
  drain?(): void;
  /**
   * Sends something without meaning that a peer answers by itself, such as a ping of a WebSocket. The server calls it when
   * nothing has arrived for half of the read timeout, and now and then while it does not read. Absent if the carrier has no
   * such thing: clients then have to send heartbeats.
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
   * More than `maxBufferedAmount` waits, and the transport connection is about to add something of its own, such as a pong.
   * The server closes the connection unless replies are the reason. A transport connection that sends nothing of its own
   * need not call it: the server checks before it sends.
   */
  congest(): void;
  /**
   * Nothing waits any more: `bufferedAmount` has fallen to 0, or what waited when `drain` was called has been written. The
   * server then reads on if it had stopped because of the backlog. Other calls do nothing. Without any, the server looks at
   * `bufferedAmount` itself, but only eight times per read timeout.
   */
  drained(): void;
  /**
   * A message could not be written, whatever the reason, and the rest of the stream would make no sense to the peer. The
   * server logs the error and ends this connection, no other.
   */
  fail(error: unknown): void;
  /**
   * The transport connection is gone; nothing can be sent or will arrive any more. Called exactly once, whoever closed it, and after
   * `terminate`, too.
   * @param clean Whether the peer took part in closing it.
   */
  closed(clean: boolean): void;
}
