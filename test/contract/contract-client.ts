import { decodeMessage, encodeMessage, MessageType, Payload, requestType, signalType } from 'nestjs-webwire/protocol';
import type { ProtocolMessage } from 'nestjs-webwire/protocol';
import { deferred } from '../support/deferred.js';
import { Queue } from '../support/queue.js';
import { describe } from '../support/wire-client.js';
import type { End, EndListener } from './end.js';

/** The end of a connection, as the client received it. */
export interface Closing {
  readonly code: number;
  readonly reason: string;
}

/** A client that sends nothing by itself, not even pongs. It queues all messages from the first tick on. */
export class ContractClient {
  readonly #arrived = new Queue<Uint8Array>();
  readonly #closed = deferred<Closing>();
  readonly closed: Promise<Closing> = this.#closed.promise;
  #end!: End;
  #requests = 0;

  private constructor() {}

  /** @throws HandshakeRejection if the server rejects it. */
  static async connect(open: (listener: EndListener) => Promise<End>): Promise<ContractClient> {
    const client = new ContractClient();
    client.#end = await open({
      message: (bytes) => client.#arrived.push(bytes),
      closed: (code, reason) => {
        client.#arrived.end(new Error(`the connection ended with code ${code} (${reason})`));
        client.#closed.resolve({ code, reason });
      },
    });
    return client;
  }

  get bufferedAmount(): number {
    return this.#end.bufferedAmount;
  }

  /** Number of messages in the queue. */
  get rest(): number {
    return this.#arrived.rest.length;
  }

  /** Rejects if the connection ends first. */
  nextBytes(): Promise<Uint8Array> {
    return this.#arrived.take();
  }

  async next(): Promise<ProtocolMessage> {
    return decodeMessage(await this.nextBytes());
  }

  /** The next message in a short form: `utf8 text`, `error CODE: message`, … */
  async nextInShort(): Promise<string> {
    return describe(await this.next());
  }

  /** Sends bytes, given as such or as hexadecimal digits with spaces. */
  sendBytes(bytes: string | Uint8Array): void {
    this.#end.send(typeof bytes === 'string' ? Buffer.from(bytes.replaceAll(' ', ''), 'hex') : bytes);
  }

  sendText(text: string): void {
    this.#end.send(text);
  }

  /** Sends a request; returns its identifier. */
  request(name: string, body: Payload | string = ''): Uint8Array {
    const { encoding, bytes } = payloadOf(body);
    const id = new Uint8Array(8);
    new DataView(id.buffer).setUint32(0, ++this.#requests, true);
    this.sendBytes(encodeMessage({ type: requestType(encoding), id, name, payload: bytes }));
    return id;
  }

  /** Asks for extensions; the identifier is 0. */
  async extend(...extensions: string[]): Promise<string> {
    const payload = Buffer.from(JSON.stringify({ extensions }));
    this.sendBytes(
      encodeMessage({ type: MessageType.RequestUtf8, id: new Uint8Array(8), name: 'wwr:extensions', payload }),
    );
    return this.nextInShort();
  }

  /** Sends a request, and waits for the next message. */
  ask(name: string, body: Payload | string = ''): Promise<string> {
    this.request(name, body);
    return this.nextInShort();
  }

  signal(name: string, body: Payload | string): void {
    const { encoding, bytes } = payloadOf(body);
    this.sendBytes(encodeMessage({ type: signalType(encoding), name, payload: bytes }));
  }

  /** Sends a restore request, and waits for the next message. */
  restore(sessionKey: string): Promise<ProtocolMessage> {
    this.sendBytes(encodeMessage({ type: MessageType.RequestRestoreSession, id: new Uint8Array(8), sessionKey }));
    return this.next();
  }

  pause(): void {
    this.#end.pause();
  }

  resume(): void {
    this.#end.resume();
  }

  close(code?: number, reason?: string): Promise<Closing> {
    this.#end.close(code, reason);
    return this.closed;
  }

  terminate(): void {
    this.#end.terminate();
  }
}

function payloadOf(body: Payload | string): Payload {
  return typeof body === 'string' ? Payload.utf8(body) : body;
}
