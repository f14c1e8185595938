import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Handshake } from '../../../server/handshake.js';
import type { WebwireServer } from '../../../server/server.js';
import type { Agreement } from '../deflate/permessage-deflate.js';
import { WebSocketConnection } from '../websocket-connection.js';
import { WriteBufferPool } from '../writing/write-buffer-pool.js';
import { acceptingResponse } from './opening-handshake.js';

/**
 * Turns a valid upgrade request of a client that was admitted into a connection of the server.
 * @param agreement The compression that the client and the server agree on, if any.
 */
export type Upgrade = (
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
  handshake: Handshake,
  agreement: Agreement | undefined,
) => void;

export function createUpgrader(server: WebwireServer): Upgrade {
  const { messageBufferSize, maxBufferedAmount } = server.options;
  const surroundings = { outgoing: new WriteBufferPool(), messageBufferSize, maxBufferedAmount };
  return (request, socket, head, handshake, agreement) => {
    if (!socket.readable || !socket.writable) {
      // The client has gone meanwhile.
      socket.destroy();
      return;
    }
    const response = acceptingResponse(request, handshake.protocol, agreement?.header);
    const transportConnection = new WebSocketConnection(socket, surroundings, response, agreement?.compression);
    transportConnection.start(server.accept(transportConnection, handshake), head);
  };
}
