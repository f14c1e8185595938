import { once } from 'node:events';
import { WebSocket } from 'ws';
import { TEXT, type LoadClient } from './client.js';

// Packets of engine.io and socket.io: ping and pong, connect, event, event with an acknowledgement, acknowledgement.
const PING = '2';
const PONG = '3';
const CONNECT = '40';
const JOIN = '421["join"]';
const SAY = `42${JSON.stringify(['say', TEXT])}`;

export async function connectSocketIo(port: number): Promise<LoadClient> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`, {
    perMessageDeflate: false,
  });
  await once(socket, 'message');
  socket.send(CONNECT);
  await once(socket, 'message');
  const client: LoadClient = {
    join: async () => {
      socket.send(JOIN);
      await once(socket, 'message');
      socket.on('message', (data: Buffer) => {
        if (String(data) === PING) socket.send(PONG);
        else client.onMessage();
      });
    },
    say: () => socket.send(SAY),
    ask: () => undefined,
    onMessage: () => undefined,
    close: () => socket.terminate(),
  };
  return client;
}
