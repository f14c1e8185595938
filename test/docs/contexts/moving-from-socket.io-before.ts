// docs/moving-from-socket.io.md
import { createServer } from 'node:http';
import { on, once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';
import { WebSocket } from 'ws';

const token = 'secret';
const show = (text: string) => console.log('show', text);
const http = createServer();
const server = new Server(http);
server.use((socket, next) => {
  console.log('token:', socket.handshake.auth.token);
  socket.data.name = 'Ada';
  next();
});
{
  const io = server;

  // block 1
}
http.listen(0, '127.0.0.1');
await once(http, 'listening');

/** The part of `socket.io-client` that the page uses, for one message at a time. Its packets are those of socket.io 4. */
function io(_url: string, { auth }: { auth: object }) {
  const { port } = http.address() as AddressInfo;
  const web = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`);
  web.once('message', () => web.send(`40${JSON.stringify(auth)}`));
  const listeners = new Map<string, (text: string) => void>();
  const messages = on(web, 'message');
  return {
    on: (event: string, listener: (text: string) => void) => listeners.set(event, listener),
    timeout: (_milliseconds: number) => ({
      async emitWithAck(event: string, room: string): Promise<{ members: number }> {
        for await (const [message] of messages) {
          const [, type, json] = /^(\d+)(.*)/.exec(String(message))!;
          const values = /^\[/.test(json!) ? JSON.parse(json!) : [];
          if (type === '40') web.send(`427${JSON.stringify([event, room])}`);
          if (type === '42') listeners.get(values[0])?.(values[1]);
          if (type === '437') return values[0];
        }
        throw new Error('the connection ended');
      },
    }),
    close: () => web.close(),
  };
}

// block 2

console.log({ members });
socket.close();
await server.close();

// Prints:
// token: secret
// show Ada
// { members: 1 }
