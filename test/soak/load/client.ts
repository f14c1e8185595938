import {
  decodeMessage,
  encodeMessage,
  MessageType,
  Payload,
  requestType,
  signalType,
  type EncodableMessage,
  type ServerMessage,
  type SignalMessage,
} from 'nestjs-webwire/protocol';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { SHORT_READ_TIMEOUT } from '../wire.js';
import { expectEmpty, type Expectation } from './expectations.js';
import type { Random } from './random.js';
import type { KnownSession } from './sessions.js';
import type { World } from './world.js';

/** Longest time for an answer that nothing delays, in milliseconds. The machine may be busy. */
const ANSWER_TIMEOUT = 20_000;

/** Longest time for a connection to close, in milliseconds. */
const CLOSE_TIMEOUT = 10_000;

/** Close codes that a server sends after all replies of running handlers (docs/PROTOCOL.md, section 8). */
const ORDERLY_CODES: ReadonlySet<number> = new Set([1000, 1001, 1002, 1003, 1009]);

interface Pending {
  readonly name: string;
  readonly expects: Expectation;
  /** True if the server has reported that the handler runs. */
  isRunning: boolean;
  /** Number of signals that the handler has sent. */
  signals: number;
  /** True if the request may end the session that the connection has by then. */
  readonly endsSession: boolean;
}

/** A WebWire client that checks each message of the server, and the reason why the connection ends. */
export class Client {
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>;
  /** Message buffer size of the server; 0 before the AcceptConf. */
  messageBufferSize = 0;
  /** Close codes that this client has caused. */
  readonly #excused = new Set<number>();
  readonly #pending = new Map<string, Pending>();
  readonly #hasMetRestart: () => boolean;
  /** All sessions that this connection may have had. */
  readonly #sessions = new Map<string, KnownSession>();
  readonly #groups = new Set<string>();
  readonly #users = new Set<string>();
  #requests = 0;
  #notes = 0;
  #ticks = 0;
  #news: number | undefined;
  #lastSent = Date.now();
  #isOpened = false;
  #isLeaving = false;
  #wake: () => void = () => undefined;

  constructor(
    private readonly world: World,
    private readonly random: Random,
    private readonly socket: WebSocket,
    /** True if the read timeout of the server is short. */
    readonly isWatched: boolean,
    hasMetRestart: () => boolean,
  ) {
    this.#hasMetRestart = hasMetRestart;
    socket.on('message', (bytes: Buffer) => this.#receive(bytes));
    socket.once('open', () => (this.#isOpened = true));
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        this.#onClose(code, reason.toString());
        resolve();
      });
    });
  }

  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  /** The TCP connection, for actions that a WebSocket does not allow. */
  get tcp(): Socket {
    const { _socket: tcp } = this.socket as unknown as { _socket: Socket };
    return tcp;
  }

  /** Allows the server to close with this code. */
  excuse(...codes: readonly number[]): void {
    for (const code of codes) this.#excused.add(code);
  }

  /** Sends a request. Its answer must be the expected one, or the connection must close. */
  request(name: string, body: (id: string) => Payload, expects: Expectation, endsSession = false): void {
    const [id, text] = this.#await(name, expects, endsSession);
    const { encoding, bytes } = body(text);
    this.send({ type: requestType(encoding), id, name, payload: bytes });
  }

  /** Like `request()`, in several frames. */
  requestInPieces(name: string, body: Uint8Array, expects: Expectation, pieces: number): void {
    const [id] = this.#await(name, expects);
    const bytes = encodeMessage({ type: MessageType.RequestBinary, id, name, payload: body });
    const size = Math.ceil(bytes.length / pieces);
    for (let start = 0; start < bytes.length; start += size) {
      this.sendBytes(bytes.subarray(start, start + size), { binary: true, fin: start + size >= bytes.length });
    }
  }

  join(group: string): void {
    this.#groups.add(group);
    this.request('join', () => Payload.utf8(group), expectEmpty);
  }

  restore(session: KnownSession, expects: Expectation): void {
    this.#sessions.set(session.key, session);
    this.#expectEnd(session);
    const [id] = this.#await('restore', expects);
    this.send({ type: MessageType.RequestRestoreSession, id, sessionKey: session.key });
  }

  closeSession(expects: Expectation): void {
    const [id] = this.#await('close session', expects, true);
    this.send({ type: MessageType.RequestCloseSession, id });
  }

  /** A name for a session that this client is to get. */
  newUser(): string {
    const user = `user ${this.#requests} ${this.random.next()}`;
    this.#users.add(user);
    return user;
  }

  note(): void {
    this.signal('note', String(++this.#notes));
  }

  signal(name: string, body: string): void {
    const { encoding, bytes } = Payload.utf8(body);
    this.send({ type: signalType(encoding), name, payload: bytes });
  }

  send(message: EncodableMessage): void {
    this.sendBytes(encodeMessage(message));
  }

  sendBytes(bytes: Uint8Array | string, options: { binary?: boolean; fin?: boolean } = {}): void {
    this.#lastSent = Date.now();
    this.socket.send(bytes, options, () => undefined);
  }

  /** Breaks the protocol; the server must close the connection with this code. */
  violate(code: number, commit: () => void): void {
    if (!this.isOpen) return;
    this.world.tally.violations++;
    this.excuse(code);
    commit();
  }

  /** Stops reading. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Waits for all answers, then closes. */
  async leave(): Promise<void> {
    const deadline = AbortSignal.timeout(ANSWER_TIMEOUT);
    while (this.#pending.size > 0 && this.isOpen && !deadline.aborted) {
      await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), this.closed, delay(500)]);
      if (this.isOpen) this.send({ type: MessageType.Heartbeat });
    }
    if (this.#pending.size > 0 && this.isOpen) this.#fail(`waits for the answer to ${this.#describePending()}`);
    await this.close();
  }

  /** Closes the connection, even if requests are in flight. */
  async close(): Promise<void> {
    this.#isLeaving = true;
    this.socket.close(1000);
    await this.whenClosed('was left');
  }

  /** Breaks the connection without a close frame. */
  vanish(): void {
    this.#isLeaving = true;
    this.tcp.resetAndDestroy();
  }

  /** @param why The reason why the connection must end soon, for the failure. */
  async whenClosed(why: string, timeout = CLOSE_TIMEOUT): Promise<void> {
    const timer = new AbortController();
    const isLate = await Promise.race([
      this.closed.then(() => false),
      delay(timeout, true, { signal: timer.signal }).catch(() => false),
    ]);
    timer.abort();
    if (!isLate) return;
    this.#fail(`is still open ${timeout} ms after it ${why}`);
    this.vanish();
  }

  #await(name: string, expects: Expectation, endsSession = false): [id: Uint8Array, text: string] {
    const id = Buffer.alloc(8);
    id.writeUInt32LE(++this.#requests);
    id.writeUInt32LE(this.random.between(0, 0xffff_ffff), 4);
    const text = id.toString('hex');
    this.world.tally.requests++;
    this.#pending.set(text, { name, expects, isRunning: false, signals: 0, endsSession });
    if (endsSession) for (const session of this.#sessions.values()) session.isEnding = true;
    return [id, text];
  }

  /** Marks a new session as ending if a request in flight may end it. */
  #expectEnd(session: KnownSession): void {
    session.isEnding ||= [...this.#pending.values()].some(({ endsSession }) => endsSession);
  }

  #receive(bytes: Buffer): void {
    const message = decodeMessage(bytes) as ServerMessage;
    if (this.messageBufferSize === 0) {
      if (message.type !== MessageType.AcceptConf) this.#fail(`began with a message of type ${message.type}`);
      else this.messageBufferSize = message.messageBufferSize;
      return;
    }
    if (bytes.length > this.messageBufferSize) this.#fail(`got a message of ${bytes.length} bytes`);
    switch (message.type) {
      case MessageType.AcceptConf:
        return this.#fail('got a second AcceptConf');
      case MessageType.SignalBinary:
      case MessageType.SignalUtf8:
      case MessageType.SignalUtf16:
        return this.#receiveSignal(message);
      case MessageType.SessionCreated:
        return this.#receiveSession(new Payload('utf8', message.session));
      case MessageType.SessionClosed: {
        const isDue = [...this.#sessions.values()].some(({ isEnding }) => isEnding);
        return isDue ? undefined : this.#fail('lost its session, which nobody closed');
      }
      default:
        this.#receiveAnswer(Buffer.from(message.id).toString('hex'), message);
    }
  }

  #receiveAnswer(id: string, answer: ServerMessage): void {
    const { tally } = this.world;
    const pending = this.#pending.get(id);
    if (!pending) return this.#fail(`got an answer of type ${answer.type} that it does not wait for`);
    this.#pending.delete(id);
    tally.replies++;
    this.#wake();
    if (answer.type === MessageType.ReplyShutdown) {
      tally.shutdowns++;
      if (!this.#hasMetRestart()) this.#fail(`was told of a shutdown that there was not, for ${pending.name}`);
      if (pending.isRunning) this.#fail(`was told of a shutdown for ${pending.name}, which ran already`);
    } else if (!pending.expects(answer, pending.signals)) {
      this.#fail(`got a wrong answer to ${pending.name}: ${JSON.stringify(answer).slice(0, 300)}`);
    }
  }

  #receiveSignal({ name, payload }: SignalMessage): void {
    this.world.tally.signals++;
    const text = name === 'flood' ? '' : new Payload('utf8', payload).text();
    switch (name) {
      case 'flood':
        return;
      case 'tick':
        if (Number(text) !== ++this.#ticks) this.#fail(`got tick ${text} instead of ${this.#ticks}`);
        return;
      case 'news': {
        const due: number = this.#news === undefined ? Number(text) : this.#news + 1;
        if (Number(text) !== due) this.#fail(`got news ${text} instead of ${due}`);
        this.#news = due;
        return;
      }
      case 'group':
        if (!this.#groups.has(text)) this.#fail(`got a signal for the group ${text}, which it never joined`);
        return;
      case 'started': {
        const pending = this.#pending.get(text);
        if (!pending || pending.isRunning) return this.#fail(`was told that ${pending?.name ?? 'nothing'} began`);
        pending.isRunning = true;
        return;
      }
      case 'burst': {
        const [id = '', number] = text.split(' ');
        const pending = this.#pending.get(id);
        if (!pending) return this.#fail('got a signal after the reply of the handler that sent it');
        if (Number(number) !== pending.signals++) this.#fail(`got signal ${number} of a burst out of order`);
        return;
      }
      default:
        this.#fail(`got the signal ${name}`);
    }
  }

  #receiveSession(payload: Payload): void {
    const { k, i } = payload.json<{ k: string; i: { user: string } }>();
    if (!this.#users.delete(i.user)) return this.#fail(`got a session of ${i.user}`);
    const session = this.world.sessions.add(k, i.user);
    this.#sessions.set(k, session);
    this.#expectEnd(session);
  }

  #onClose(code: number, reason: string): void {
    const { tally } = this.world;
    tally.unanswered += this.#pending.size;
    if (this.#isLeaving || !this.#isOpened) return;
    if (!this.#mayClose(code, reason))
      this.#fail(
        `${this.isWatched ? '(narrow) ' : ''}was closed with ${code} ${reason}, with ${this.#describePending()}`,
      );
    if (!ORDERLY_CODES.has(code) || reason === 'read timeout') return;
    for (const { name, isRunning } of this.#pending.values()) {
      if (isRunning) this.#fail(`was closed with ${code} ${reason}, though ${name} was running`);
    }
  }

  #mayClose(code: number, reason: string): boolean {
    if (this.#excused.has(code)) return true;
    const { pulse } = this.world;
    if (code === 1006) return pulse.hasStopped();
    if (reason === 'read timeout') return pulse.hasStopped() || this.#isSilent();
    return code === 1001 && this.#hasMetRestart();
  }

  #isSilent(): boolean {
    return this.isWatched && Date.now() - this.#lastSent > SHORT_READ_TIMEOUT / 2;
  }

  #describePending(): string {
    return [...this.#pending.values()].map(({ name }) => name).join(', ') || 'nothing';
  }

  #fail(what: string): void {
    this.world.failures.add(`A client ${what}`);
  }
}
