import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Handshake } from '../../../server/handshake.js';
import type { WebwireServer } from '../../../server/server.js';
import { asksForCompression, createCompressingUpgrader } from '../deflate/compressing-upgrader.js';
import { acceptingResponse } from './opening-handshake.js';
import { WriteBufferPool } from '../writing/write-buffer-pool.js';
import { WebSocketConnection } from '../websocket-connection.js';

/** Turns a valid upgrade request of a client that was admitted into a connection of the server. */
export type Upgrade = (request: IncomingMessage, socket: Socket, head: Buffer, handshake: Handshake) => void;

/** @param deflateThreshold Size from which messages are compressed, in bytes; `undefined` switches compression off. */
export function createUpgrader(server: WebwireServer, deflateThreshold: number | undefined): Upgrade {
  const plain = createPlainUpgrader(server);
  if (deflateThreshold === undefined) return plain;
  const compressing = createCompressingUpgrader(server, deflateThreshold);
  return (request, socket, head, handshake) => {
    const upgrade = asksForCompression(request) ? compressing : plain;
    upgrade(request, socket, head, handshake);
  };
}

function createPlainUpgrader(server: WebwireServer): Upgrade {
  const { messageBufferSize, maxBufferedAmount } = server.options;
  const surroundings = { outgoing: new WriteBufferPool(), messageBufferSize, maxBufferedAmount };
  return (request, socket, head, handshake) => {
    if (!socket.readable || !socket.writable) {
      // The client has gone meanwhile.
      socket.destroy();
      return;
    }
    const response = acceptingResponse(request, handshake.protocol);
    const transportConnection = new WebSocketConnection(socket, surroundings, response);
    transportConnection.start(server.accept(transportConnection, handshake), head);
  };
}
