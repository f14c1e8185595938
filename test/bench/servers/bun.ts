import { GO, NEWS, SIGNAL } from '../exchanges.js';
import { HOST, report } from './report.js';

/** The members of Bun's API that are used. */
interface BunSocket {
  send(data: Uint8Array): void;
  subscribe(topic: string): void;
}
interface BunServer {
  readonly port: number;
  upgrade(request: unknown): boolean;
  publish(topic: string, data: Uint8Array): void;
}
interface BunApi {
  serve(options: {
    hostname: string;
    port: number;
    fetch: (request: unknown) => void;
    websocket: { open: (socket: BunSocket) => void; message: (socket: BunSocket, data: Uint8Array) => void };
  }): BunServer;
}

declare const Bun: BunApi;

const newsPerGo = Number(process.argv[3] ?? 1);
const news = Buffer.from(NEWS);

const server = Bun.serve({
  hostname: HOST,
  port: 0,
  fetch: (request) => void server.upgrade(request),
  websocket: {
    open: (socket) => socket.subscribe('news'),
    message(socket, data) {
      if (data[0] === SIGNAL) return;
      if (data[0] === GO) for (let sent = 0; sent < newsPerGo; sent++) server.publish('news', news);
      else socket.send(data);
    },
  },
});
report({ port: server.port });
