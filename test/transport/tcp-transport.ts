import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { ProtocolError } from 'nestjs-webwire';
import type { TransportConnection, Handshake, Listener, ListenTarget, Transport, WebwireServer } from 'nestjs-webwire';

/** A transport over plain TCP. The length of each message precedes it, in 4 bytes. */
export class TcpTransport implements Transport {
  async listen(server: WebwireServer, { port }: ListenTarget): Promise<Listener> {
    const tcp = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      const request = { url: server.options.path, headers: {} };
      const connect = (handshake: Handshake) => serve(server, socket, handshake);
      server.admit(request, socket.remoteAddress, connect).catch(() => socket.destroy());
    });
    await once(tcp.listen(port), 'listening');
    return {
      get address() {
        return tcp.address();
      },
      close: () => new Promise((resolve) => tcp.close(() => resolve())),
    };
  }
}

function serve(server: WebwireServer, socket: Socket, handshake: Handshake): void {
  if (socket.destroyed) return; // the client disconnected meanwhile
  const listener = server.accept(new TcpConnection(socket), handshake);
  let rest = Buffer.alloc(0);
  let isClean = false;
  const read = (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 4) {
      const end = 4 + rest.readUInt32BE();
      if (end > 4 + server.options.messageBufferSize) {
        socket.off('data', read);
        listener.violate(new ProtocolError('MESSAGE_TOO_LARGE', 'message larger than the buffer', 0));
        return;
      }
      if (rest.length < end) return;
      listener.receive(rest.subarray(4, end));
      rest = rest.subarray(end);
    }
  };
  socket.on('data', read);
  socket.on('drain', () => listener.drained());
  socket.on('end', () => (isClean = true));
  socket.on('close', () => listener.closed(isClean));
}

class TcpConnection implements TransportConnection {
  readonly remoteAddress: string | undefined;

  constructor(private readonly socket: Socket) {
    this.remoteAddress = socket.remoteAddress;
  }
  get bytesRead() {
    return this.socket.bytesRead;
  }
  get bufferedAmount() {
    return this.socket.writableLength;
  }
  send(message: Uint8Array) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(message.length);
    if (this.socket.writable) this.socket.write(Buffer.concat([length, message]));
    return this.socket.writable;
  }
  pause() {
    this.socket.pause();
  }
  resume() {
    this.socket.resume();
  }
  close() {
    this.socket.end(); // TCP cannot transmit the code and the reason
    this.socket.resume();
    setTimeout(() => this.socket.destroy(), 2_000).unref();
  }
  terminate() {
    this.socket.destroy();
  }
}
