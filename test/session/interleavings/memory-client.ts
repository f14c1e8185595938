import {
  Handshake,
  WebwireConnection,
  type TransportConnection,
  type TransportHandlers,
  type WebwireServer,
} from 'nestjs-webwire';
import { decodeMessage, encodeMessage, MessageType, type ProtocolMessage } from 'nestjs-webwire/protocol';
import type { History } from './history.js';

/** Requests to handlers of the gateway, and those of the protocol itself. */
export type RequestName = 'create' | 'logout' | 'close key' | 'work' | 'restore' | 'close';

interface Pending {
  readonly name: RequestName;
  /** The key of the session, or the number of the request that creates one. */
  readonly subject: string;
  readonly sentAt: number;
  /** The session of the client when it sent this; `undefined` if other requests were about to change it. */
  readonly had: string | null | undefined;
  /** Called when it is answered. */
  readonly done: (() => void) | undefined;
  /** True if the server has closed a session since. */
  sawClosed: boolean;
}

/** A client at the other end of an in-memory transport connection. It gets its session from messages of the server only. */
export class MemoryClient implements TransportConnection {
  readonly remoteAddress = undefined;
  readonly bytesRead = 0;
  readonly bufferedAmount = 0;
  readonly connection: WebwireConnection;
  /** The key of its session, according to the messages of the server. */
  session: string | null = null;
  isOpen = true;
  /** Answers of all kinds, in order. */
  readonly answers: string[] = [];
  /** Violations of the protocol by the server. */
  readonly faults: string[] = [];
  readonly #history: History;
  readonly #pending = new Map<string, Pending>();
  readonly #created = new Set<string>();
  #requests = 0;

  constructor(server: WebwireServer, history: History) {
    this.#history = history;
    const listener: TransportHandlers = server.accept(
      this,
      new Handshake({ url: '/', headers: {} }, undefined, Infinity),
    );
    if (!(listener instanceof WebwireConnection)) throw new TypeError('the server made no connection');
    this.connection = listener;
  }

  get isWaiting(): boolean {
    return this.isOpen && this.#pending.size > 0;
  }

  /** True while a request of this client that may change its session is unanswered. */
  get isChanging(): boolean {
    return [...this.#pending.values()].some(({ name }) => name !== 'work');
  }

  request(name: RequestName, subject = ''): void {
    const id = Buffer.alloc(8);
    id.writeUInt32LE(++this.#requests);
    const pending: Pending = {
      name,
      subject: name === 'create' ? String(this.#requests) : subject,
      sentAt: this.#history.now,
      had: this.isChanging ? undefined : this.session,
      done: name === 'close key' ? this.#history.ordered(subject) : undefined,
      sawClosed: false,
    };
    this.#pending.set(id.toString('hex'), pending);
    this.connection.receive(encodeRequest(id, name, pending.subject));
  }

  disconnect(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.connection.closed(false);
    if (this.session === null) return;
    this.#history.lost(this.session);
    for (const { name, sentAt } of this.#pending.values()) {
      if (name === 'close' || name === 'logout') this.#history.lostWhileClosing(this.session, sentAt);
    }
  }

  send(bytes: Uint8Array): boolean {
    if (!this.isOpen) return false;
    this.#receive(decodeMessage(bytes));
    return true;
  }

  resume(): void {}

  pause(): void {}

  close(): void {
    this.disconnect();
  }

  terminate(): void {
    this.disconnect();
  }

  #receive(message: ProtocolMessage): void {
    if (message.type === MessageType.SessionCreated) {
      const { k, i } = JSON.parse(Buffer.from(message.session).toString()) as { k: string; i: { request: string } };
      if (this.session !== null) this.faults.push(`${k} was created in place of ${this.session}`);
      this.#created.add(i.request);
      this.session = k;
    } else if (message.type === MessageType.SessionClosed) {
      if (this.session === null) this.faults.push('a session was closed that is not there');
      else this.#history.closed(this.session);
      for (const pending of this.#pending.values()) pending.sawClosed = true;
      this.session = null;
    } else if ('id' in message) {
      this.#receiveAnswer(message);
    }
  }

  #receiveAnswer(answer: ProtocolMessage & { id: Uint8Array }): void {
    const id = Buffer.from(answer.id).toString('hex');
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (!pending) {
      this.faults.push(`request ${id} was answered twice`);
      return;
    }
    const { name, subject, sentAt, had, sawClosed } = pending;
    pending.done?.();
    this.answers.push(`${name}: ${nameOf(answer)}`);
    if (name === 'restore') this.#restored(answer, subject);
    if (name === 'close' && this.session !== null) {
      this.#history.closed(this.session, sentAt);
      this.session = null;
    }
    const isSuccess = answer.type === MessageType.ReplyBinary;
    if (name === 'create' && isSuccess !== this.#created.has(subject))
      this.faults.push('created, but the client was notified late');
    const isClosed = typeof had === 'string' && (name === 'logout' || (name === 'close key' && subject === had));
    if (isClosed && !sawClosed) this.faults.push(`${had} was closed, but the client was notified late`);
  }

  #restored(answer: ProtocolMessage, key: string): void {
    if (answer.type !== MessageType.ReplyUtf8) return;
    const { k } = JSON.parse(Buffer.from(answer.payload).toString()) as { k: string };
    if (k !== key) this.faults.push(`${k} was restored, not ${key}`);
    if (this.session !== null && this.session !== k) this.#history.goesOver(this.session);
    this.session = k;
  }
}

function encodeRequest(id: Uint8Array, name: RequestName, subject: string): Uint8Array {
  if (name === 'close') return encodeMessage({ type: MessageType.RequestCloseSession, id });
  if (name === 'restore') return encodeMessage({ type: MessageType.RequestRestoreSession, id, sessionKey: subject });
  return encodeMessage({ type: MessageType.RequestUtf8, id, name, payload: Buffer.from(subject) });
}

function nameOf({ type, ...message }: ProtocolMessage): string {
  if ('code' in message) return message.code;
  return Object.entries(MessageType).find(([, value]) => value === type)![0];
}
