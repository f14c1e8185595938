import { decodeMessage } from 'nestjs-webwire/protocol';
import { inflate, readFrames, type ServerFrame } from './frames.js';
import { TcpClient, UPGRADE } from './tcp-client.js';
import { describe } from './wire-client.js';

/** A WebSocket client with compression. It sends exactly the given bytes, and answers nothing by itself. */
export class CompressingClient {
  private constructor(private readonly client: TcpClient) {}

  /**
   * Connects and asks for extensions; the connection is cut when the test is over.
   * @param extensions Value of `Sec-WebSocket-Extensions`.
   */
  static async connect(port: number, extensions = 'permessage-deflate'): Promise<CompressingClient> {
    const client = await TcpClient.connect(port);
    client.send(UPGRADE.replace('\r\n\r\n', `\r\nSec-WebSocket-Extensions: ${extensions}\r\n\r\n`));
    await client.received('101 Switching Protocols');
    return new CompressingClient(client);
  }

  get socket() {
    return this.client.socket;
  }

  /** Sends bytes, given as such or as hexadecimal digits with spaces, in one write. */
  send(...parts: (Uint8Array | string)[]): void {
    const bytes = parts.map((part) => (typeof part === 'string' ? Buffer.from(part.replaceAll(' ', ''), 'hex') : part));
    this.client.socket.write(Buffer.concat(bytes));
  }

  /** Waits until these bytes have arrived, next to each other. */
  async received(hex: string): Promise<void> {
    await this.client.received(Buffer.from(hex.replaceAll(' ', ''), 'hex').toString('latin1'));
  }

  /** Waits until the server ends the connection. Returns the frames after its AcceptConf in a short form. */
  async ended(): Promise<string[]> {
    return inShort(framesOf(await this.client.ended).slice(1));
  }

  /** Waits for the close frame of the server and answers it. Then does the same as `ended()`. */
  async closed(): Promise<string[]> {
    await this.client.receivedWhen((received) => framesOf(received).some(({ first }) => first === 0x88) || undefined);
    this.send('8880 00000000');
    return this.ended();
  }

  /** Waits for frames after the AcceptConf. Returns them in a short form. */
  async frames(count: number): Promise<string[]> {
    const frames = await this.client.receivedWhen((received) => {
      const all = framesOf(received);
      return all.length > count ? all : undefined;
    });
    return inShort(frames.slice(1));
  }

  /** Ends the TCP connection without a close frame. */
  destroy(): void {
    this.client.socket.resetAndDestroy();
  }
}

function framesOf(received: string): ServerFrame[] {
  const start = received.indexOf('\r\n\r\n') + 4;
  return readFrames(Buffer.from(received.slice(start), 'latin1'));
}

/** The short form: `utf8 text`, `deflated utf8 text`, `pong 00ff`, `close 1002 reason`. */
function inShort(frames: readonly ServerFrame[]): string[] {
  return frames.map(({ first, payload }) => {
    if (first === 0x82) return describe(decodeMessage(payload));
    if (first === 0xc2) return `deflated ${describe(decodeMessage(inflate(payload)))}`;
    if (first === 0x8a) return `pong ${payload.toString('hex')}`.trimEnd();
    if (first === 0x88 && payload.length === 0) return 'close';
    if (first === 0x88) return `close ${payload.readUInt16BE()} ${payload.toString('latin1', 2)}`.trimEnd();
    return `frame ${first.toString(16)}`;
  });
}
