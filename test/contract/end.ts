import { HandshakeRejection, type MemoryTransport } from 'nestjs-webwire';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { WebSocket, type ClientOptions } from 'ws';

/** Callbacks for the events of a connection. */
export interface EndListener {
  message(bytes: Uint8Array): void;
  closed(code: number, reason: string): void;
}

/** The client's end of a connection of any kind. */
export interface End {
  /** Bytes that wait because the server does not read. */
  readonly bufferedAmount: number;
  /** A string is sent as text. */
  send(data: Uint8Array | string): void;
  pause(): void;
  resume(): void;
  close(code?: number, reason?: string): void;
  terminate(): void;
}

/** @throws HandshakeRejection if the server refuses the client. */
export async function openWebSocket(url: string, listener: EndListener, options: ClientOptions = {}): Promise<End> {
  const socket = new WebSocket(url, { perMessageDeflate: false, autoPong: false, ...options });
  socket.on('message', (bytes: Buffer) => listener.message(bytes));
  socket.once('close', (code, reason) => listener.closed(code, reason.toString()));
  const refused = once(socket, 'unexpected-response') as Promise<[unknown, IncomingMessage]>;
  const response = await Promise.race([once(socket, 'open').then(() => undefined), refused]);
  // `close` follows after an error.
  socket.on('error', () => undefined);
  if (!response) return socket;
  const [, answer] = response;
  throw new HandshakeRejection(answer.statusCode!, await text(answer));
}

/** @throws HandshakeRejection if the server refuses the client. */
export async function openMemorySocket(transport: MemoryTransport, listener: EndListener): Promise<End> {
  const socket = await transport.connect();
  socket.addEventListener('message', ({ data }) => listener.message(new Uint8Array(data as ArrayBuffer)));
  socket.addEventListener('close', ({ code, reason }) => listener.closed(code, reason));
  return socket;
}
