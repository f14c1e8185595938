import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Handshake } from '../../../server/handshake.js';
import type { WebwireServer } from '../../../server/server.js';
import type { Agreement, PermessageDeflate } from '../deflate/permessage-deflate.js';
import { refuse } from './http-refusal.js';
import { answerUpgrade, type UpgradeRefusal } from './opening-handshake.js';
import { WriteBufferPool } from '../writing/write-buffer-pool.js';
import { WebSocketConnection } from '../websocket-connection.js';

/** Turns an upgrade request into a connection of the server. */
export type Upgrade = (request: IncomingMessage, socket: Socket, head: Buffer, handshake: Handshake) => void;

const MALFORMED_EXTENSIONS: UpgradeRefusal = { status: 400, reason: 'Invalid Sec-WebSocket-Extensions header' };

/** @param deflate Compression for clients that ask for it; `undefined` switches it off. */
export function createUpgrader(server: WebwireServer, deflate: PermessageDeflate | undefined): Upgrade {
  const { messageBufferSize, maxBufferedAmount } = server.options;
  const surroundings = { outgoing: new WriteBufferPool(), messageBufferSize, maxBufferedAmount };
  return (request, socket, head, handshake) => {
    const agreement = deflate?.accept(request.headers['sec-websocket-extensions']);
    const answer = agreement === 'malformed' ? MALFORMED_EXTENSIONS : answerUpgrade(request, agreement?.header);
    if ('status' in answer) {
      refuse(socket, answer.status, answer.reason, answer.headers);
    } else if (!socket.readable || !socket.writable) {
      // The client has gone meanwhile.
      socket.destroy();
    } else {
      const { compression } = (agreement ?? {}) as Partial<Agreement>;
      const transportConnection = new WebSocketConnection(socket, surroundings, answer, compression);
      transportConnection.start(server.accept(transportConnection, handshake), head);
    }
  };
}
