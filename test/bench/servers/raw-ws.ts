import { once } from 'node:events';
import type { Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import { GO, NEWS, SIGNAL } from '../exchanges.js';
import { HOST, report } from './report.js';

/** A minimal server on `ws`: one `send` per reply, or one write per tick and connection (`corked`). */
const isCorked = process.argv[2] === 'corked';
const newsPerGo = Number(process.argv[3] ?? 1);
const news = Buffer.from(NEWS);

const server = new WebSocketServer({ host: HOST, port: 0, perMessageDeflate: false });
server.on('connection', (webSocket, { socket }) => {
  webSocket.on('message', (data: Buffer, isBinary) => {
    if (data[0] === SIGNAL) return;
    if (data[0] === GO) {
      for (let sent = 0; sent < newsPerGo; sent++) for (const client of server.clients) client.send(news);
    } else {
      if (isCorked) corkForTick(socket);
      webSocket.send(data, { binary: isBinary });
    }
  });
});
await once(server, 'listening');
report(server.address());

const corked = new WeakSet<Socket>();

function corkForTick(socket: Socket): void {
  if (corked.has(socket)) return;
  corked.add(socket);
  socket.cork();
  process.nextTick(() => {
    corked.delete(socket);
    socket.uncork();
  });
}
