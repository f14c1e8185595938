import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { Queue } from './queue.js';

/** The end of a connection, as the client received it. */
export interface RawClosing {
  readonly code: number;
  readonly reason: string;
}

/**
 * A WebSocket client without the codec of the library: messages are hexadecimal digits, and all messages are queued from
 * the first tick on. Like the recorded clients, it answers no pings.
 */
export class RawClient {
  /** Messages that arrived. */
  readonly messages = new Queue<string>();
  readonly closed: Promise<RawClosing>;
  readonly #socket: WebSocket;

  private constructor(url: string) {
    this.#socket = new WebSocket(url, { perMessageDeflate: false, autoPong: false });
    this.#socket.on('message', (data: Buffer) => this.messages.push(data.toString('hex')));
    // `close` follows with code 1006.
    this.#socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      this.#socket.once('close', (code, reason) => {
        this.messages.end(new Error(`the connection ended with code ${code} (${reason.toString()})`));
        resolve({ code, reason: reason.toString() });
      });
    });
  }

  /** Connects; the connection is cut when the test is over. */
  static async connect(url: string): Promise<RawClient> {
    const client = new RawClient(url);
    onTestFinished(() => client.terminate());
    await once(client.#socket, 'open');
    return client;
  }

  /** Sends one message, in one frame or spread over several. */
  send(hex: string, { isText = false, frames = 1 }: { isText?: boolean; frames?: number } = {}): void {
    const bytes = Buffer.from(hex, 'hex');
    const size = Math.ceil(bytes.length / frames);
    for (let frame = 1; frame <= frames; frame++) {
      const fragment = bytes.subarray((frame - 1) * size, frame * size);
      this.#socket.send(fragment, { binary: !isText, fin: frame === frames });
    }
  }

  /** Ends the TCP connection without a close frame. */
  terminate(): void {
    this.#socket.terminate();
  }
}
