import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { encodeMessage, type EncodableMessage } from 'nestjs-webwire/protocol';
import type { TestApp } from './test-app.js';
import type { WireClient } from './wire-client.js';

/** The server's end of a connection. Tests let messages arrive on it, and see the resulting writes, within one call. */
export class ServerSocket {
  /** The chunks of each write to the operating system. */
  readonly writes: Buffer[][] = [];

  private constructor(
    readonly socket: Socket,
    readonly client: WireClient,
  ) {
    // A stream calls one of these two methods for each write.
    watch(socket, '_write', (chunk: Buffer) => this.writes.push([chunk]));
    watch(socket, '_writev', (chunks: { chunk: Buffer }[]) => this.writes.push(chunks.map(({ chunk }) => chunk)));
  }

  /** Connects a client. */
  static async connect(app: TestApp): Promise<ServerSocket> {
    const connected = once(app.app.getHttpServer() as Server, 'connection');
    const client = await app.connect();
    const [socket] = (await connected) as [Socket];
    return new ServerSocket(socket, client);
  }

  /** Lets messages arrive, all of them before it returns. Returns the received bytes. */
  receive(...messages: EncodableMessage[]): Buffer {
    const bytes = Buffer.concat(messages.map((message) => maskedFrame(encodeMessage(message))));
    this.socket.emit('data', bytes);
    return bytes;
  }
}

/** The frame of a client that holds a message: 0x82 · masked length(1 or 3) · mask(4) · masked message. */
function maskedFrame(message: Uint8Array): Buffer {
  const mask = Buffer.from('37fa213d', 'hex');
  const { length } = message;
  const header = length < 126 ? [0x82, 0x80 | length] : [0x82, 0xfe, length >>> 8, length & 0xff];
  return Buffer.from([...header, ...mask, ...message.map((byte, index) => byte ^ mask[index & 3]!)]);
}

/** Passes the first argument of each call of a method to `show`. */
function watch(target: object, method: string, show: (argument: never) => void): void {
  const original = Reflect.get(target, method) as Function;
  Reflect.set(target, method, (argument: never, ...others: unknown[]) => {
    show(argument);
    return Reflect.apply(original, target, [argument, ...others]) as unknown;
  });
}
