import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocketServer, type PerMessageDeflateOptions, type ServerOptions as WsOptions } from 'ws';
import type { Handshake } from '../../../server/handshake.js';
import type { WebwireServer } from '../../../server/server.js';
import { CLOSE_TIMEOUT } from '../../close-timeout.js';
import { CompressingCarrier } from './compressing-connection.js';
import { DeferringWebSocket } from './deferring-websocket.js';
import type { Upgrade } from '../upgrade/upgrader.js';
import { invalidFrame, textFrame, tooLarge } from '../violations.js';

/** How `ws` calls a frame that announces more than `maxPayload`, or more than any number can say. */
const TOO_BIG: ReadonlySet<string | undefined> = new Set([
  'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
  'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
]);

/** Whether a client asks for extensions, of which compression is the only one there is. */
export function asksForCompression({ headers }: IncomingMessage): boolean {
  return headers['sec-websocket-extensions'] !== undefined;
}

/**
 * Leaves WebSockets with permessage-deflate (RFC 7692) to `ws`.
 * @param threshold Size from which messages are compressed, in bytes.
 */
export function createCompressingUpgrader(server: WebwireServer, threshold: number): Upgrade {
  const options: WsOptions & { closeTimeout: number } = {
    noServer: true,
    clientTracking: false,
    // A length beyond 2³¹ − 1 means "no limit" to `ws`.
    maxPayload: Math.min(deflateBound(server.options.messageBufferSize), 0x7fff_ffff),
    perMessageDeflate: safeDeflate(threshold),
    // Text is refused whatever its bytes (PROTOCOL.md, section 9).
    skipUTF8Validation: true,
    closeTimeout: CLOSE_TIMEOUT,
    autoPong: false,
    WebSocket: DeferringWebSocket,
  };
  const upgrader = new WebSocketServer(options as WsOptions<typeof DeferringWebSocket>);
  return (request, socket, head, handshake) => {
    upgrader.options.handleProtocols = () => handshake.protocol || false;
    upgrader.handleUpgrade(request, socket, head, (webSocket) => connect(server, webSocket, socket, handshake));
  };
}

/**
 * How long a message may get by compression that finds nothing to compress, in bytes, as zlib estimates it for the worst of
 * its settings. `ws` holds messages to one limit before and after, so the exact one is not for it to hold.
 */
function deflateBound(length: number): number {
  return length + Math.ceil(length / 8) + Math.ceil(length / 64) + 16;
}

/** What `ws` advises against running out of memory: no state kept between messages, few compressions at once. */
function safeDeflate(threshold: number): PerMessageDeflateOptions {
  return { threshold, serverNoContextTakeover: true, clientNoContextTakeover: true, concurrencyLimit: 10 };
}

function connect(server: WebwireServer, webSocket: DeferringWebSocket, socket: Socket, handshake: Handshake): void {
  const { messageBufferSize, maxBufferedAmount } = server.options;
  const transportConnection = new CompressingCarrier(webSocket, socket);
  const listener = server.accept(transportConnection, handshake);
  webSocket.on('message', (data: Buffer, isBinary: boolean) => {
    if (data.length > messageBufferSize) listener.violate(tooLarge(messageBufferSize));
    else if (isBinary) listener.receive(data);
    else listener.violate(textFrame());
  });
  webSocket.on('ping', (data: Buffer) => {
    if (webSocket.readyState !== webSocket.OPEN) return;
    // Whoever pings without reading must not fill the memory with pongs.
    if (transportConnection.bufferedAmount > maxBufferedAmount) listener.congest();
    else webSocket.pong(data);
  });
  webSocket.on('error', (error: Error & { code?: string }) => {
    webSocket.takeOver();
    listener.violate(TOO_BIG.has(error.code) ? tooLarge(messageBufferSize) : invalidFrame());
  });
  // A peer that has only stopped sending may still read what is on its way; `ws` would wait for it for ever.
  socket.once('end', () => {
    const timer = setTimeout(() => socket.destroy(), CLOSE_TIMEOUT);
    socket.once('close', () => clearTimeout(timer));
  });
  webSocket.on('close', (code: number) => listener.closed(code !== 1006));
}
