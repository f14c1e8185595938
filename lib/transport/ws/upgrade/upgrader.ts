import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Handshake } from '../../../server/handshake.js';
import type { WebwireServer } from '../../../server/server.js';
import type { Agreement } from '../deflate/permessage-deflate.js';
import { WebSocketConnection } from '../websocket-connection.js';
import { WriteBufferPool } from '../writing/write-buffer-pool.js';
import { acceptingResponse } from './opening-handshake.js';

/**
 * Accepts a valid upgrade request of an admitted client, and adds the connection to the server.
 * @param agreement The negotiated compression, if any.
 */
export type Upgrade = (
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
  handshake: Handshake,
  agreement: Agreement | undefined,
) => void;

export function createUpgrader(server: WebwireServer): Upgrade {
  const pool = new WriteBufferPool();
  return (request, socket, head, handshake, agreement) => {
    if (!socket.readable || !socket.writable) {
      // The client disconnected while the handshake guards ran.
      socket.destroy();
      return;
    }
    const response = acceptingResponse(request, handshake.protocol, agreement?.header);
    const transportConnection = new WebSocketConnection(socket, pool, server.options, response, agreement?.compression);
    transportConnection.start(server.accept(transportConnection, handshake), head);
  };
}
