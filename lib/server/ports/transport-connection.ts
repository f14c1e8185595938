import type { IncomingHttpHeaders } from 'node:http';
import type { EncodableMessage, ProtocolError } from '../../protocol/index.js';

/**
 * The upgrade request that opened a connection. Transports without such requests make one:
 * `{ url: server.options.path, headers: {} }`.
 */
export interface ConnectionRequest {
  /** Request target: path and query, as the client sent it. */
  readonly url: string;
  /** HTTP headers, names in lower case. */
  readonly headers: IncomingHttpHeaders;
}

/**
 * One connection of a transport: delivers whole messages in order, in both directions (docs/PROTOCOL.md, section 1). None of
 * the methods throws in any state of the connection.
 */
export interface TransportConnection {
  /** Address of the peer; `undefined` if the transport has none. */
  readonly remoteAddress: string | undefined;
  /**
   * Total bytes received, including partial messages. The server disconnects a peer if this does not change for the read
   * timeout; any number that grows with the received data works.
   */
  readonly bytesRead: number;
  /**
   * Total bytes that the peer, or the operating system for it, has taken. The server disconnects a peer for which data waits
   * if this does not change for the read timeout; any number that grows with the written data works. If absent, the server
   * takes each change of `bufferedAmount` for progress.
   */
  readonly bytesWritten?: number;
  /**
   * Bytes that wait to be written: messages that `send` has gathered in the current turn of the event loop, messages that
   * wait to be compressed, and bytes that neither the peer nor the operating system has taken yet.
   */
  readonly bufferedAmount: number;
  /**
   * Queues one message. The messages of one turn of the event loop are written together, in order. Neither the caller nor
   * the transport connection may change the bytes afterwards, as several connections may send the same ones.
   * @returns False if the message was dropped, because the transport connection is closing or closed.
   */
  send(message: Uint8Array): boolean;
  /**
   * Encodes and queues one message. Saves a copy if the transport connection encodes into its own memory, which it has to do
   * before it returns. Absent if it has no such memory.
   * @param length Length of the encoded message in bytes, which the server has checked.
   */
  sendMessage?(message: EncodableMessage, length: number): boolean;
  /** Stops reading from the peer, so that its data stays in the buffers of the peer. `close` resumes reading. */
  pause(): void;
  /** Resumes reading. Delivers no message before it returns. */
  resume(): void;
  /**
   * Writes the messages that `send` has gathered, and calls `TransportHandlers.drained`, after it returns, when all data that
   * waits now has been written. If absent, the transport connection calls `drained` each time no data waits any more.
   */
  drain?(): void;
  /**
   * Sends data that the peer answers automatically, such as a WebSocket ping. The server calls it when nothing has arrived
   * for half of the read timeout, and at times while it does not read. If absent, clients have to send heartbeats.
   */
  probe?(): void;
  /**
   * Sends the queued messages, then closes. Terminates if the peer neither takes data nor takes part for a few seconds. Further
   * calls do nothing.
   * @param code WebSocket close code.
   * @param reason At most 123 bytes of UTF-8.
   */
  close(code: number, reason: string): void;
  /** Ends the connection at once, without a closing handshake. Does nothing if it has ended. */
  terminate(): void;
}

/**
 * The handlers for the events of one transport connection, which `WebwireServer.accept` returns. None of the methods throws.
 * Methods of the transport connection may call them, except `send`, `sendMessage`, `pause` and `resume`.
 */
export interface TransportHandlers {
  /**
   * Receives one whole message of any length; the server checks it and keeps views of `bytes`, which must not be reused.
   * @param start Offset of the message in `bytes`; 0 by default.
   * @param end Offset of the end of the message; the length of `bytes` by default.
   */
  receive(bytes: Uint8Array, start?: number, end?: number): void;
  /**
   * Reports that the transport connection itself found a protocol error of the peer, such as a text frame. The transport
   * connection delivers no more messages, but stays open for replies until the server calls `close`.
   */
  violate(error: ProtocolError): void;
  /**
   * Reports that more than `maxBufferedAmount` bytes wait while the transport connection adds data of its own, such as a
   * pong. The server closes the connection unless these bytes are replies. Transport connections that add no data need not
   * call it, as the server checks before it sends.
   */
  congest(): void;
  /**
   * Reports that `bufferedAmount` has fallen to 0, or that the data which waited when `drain` was called has been written.
   * If the server had stopped reading because of that data, it resumes; otherwise the call does nothing. If the transport
   * connection never calls this, the server checks `bufferedAmount` itself, eight times per read timeout.
   */
  drained(): void;
  /**
   * Reports that a message could not be written, so that the peer could not read the rest of the stream, or that data of the
   * peer was lost. The server logs the error and terminates this connection.
   */
  fail(error: unknown): void;
  /**
   * Reports that the transport connection is gone. Called exactly once, also after `close` and `terminate`.
   * @param clean True if the peer took part in closing it.
   */
  closed(clean: boolean): void;
}
