import { once } from 'node:events';
import { WebSocketServer } from 'ws';
import { HOST, report } from './report.js';

/** The least that a server on `ws` can do: one `send` per reply. */
const server = new WebSocketServer({ host: HOST, port: 0, perMessageDeflate: false });
server.on('connection', (webSocket) => {
  webSocket.on('message', (data, isBinary) => webSocket.send(data, { binary: isBinary }));
});
await once(server, 'listening');
report(server.address());
