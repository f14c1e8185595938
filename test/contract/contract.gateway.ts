import { ConnectedSocket, MessageBody, WebSocketServer } from '@nestjs/websockets';
import {
  RequestError,
  WebwireConnection,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireServer,
  WebwireSignal,
  WebwireStream,
  type DisconnectReason,
  type Message,
} from 'nestjs-webwire';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { deferred, type Deferred } from '../support/deferred.js';
import { Queue } from '../support/queue.js';

/** Bytes that cannot be compressed. */
const NOISE = randomBytes(256 * 1024);

/** The gateway of the contract tests. */
@WebwireGateway()
export class ContractGateway {
  @WebSocketServer() server!: WebwireServer;
  /** Bodies of the `wait` requests whose handlers have started, in order. */
  readonly started = new Queue<string>();
  readonly disconnects = new Queue<DisconnectReason>();
  /** Bodies of the signal `note`. */
  readonly notes = new Queue<string>();
  readonly connections: WebwireConnection[] = [];
  /** Number of replies to `bytes` so far. */
  replies = 0;
  readonly #gates = new Map<string, Deferred>();

  handleConnection(connection: WebwireConnection) {
    this.connections.push(connection);
  }

  handleDisconnect(_connection: WebwireConnection, reason: DisconnectReason) {
    this.disconnects.push(reason);
  }

  @WebwireRequest('echo') echo(@WebwireMessage() message: Message) {
    return message.payload;
  }

  /** Replies with this number of bytes. */
  @WebwireRequest('bytes') bytes(@MessageBody() length: string) {
    this.replies++;
    return NOISE.subarray(0, Number(length));
  }

  @WebwireRequest() nameless(@WebwireMessage() message: Message) {
    return message.payload;
  }

  @WebwireRequest('nothing') nothing() {}

  @WebwireRequest('length') length(@WebwireMessage() message: Message) {
    return String(message.payload.bytes.length);
  }

  @WebwireRequest('refuse') refuse(@MessageBody() code: string) {
    throw new RequestError(code, 'refused');
  }

  @WebwireRequest('crash') crash() {
    throw new Error('SECRET');
  }

  @WebwireRequest('signals') async signals(@ConnectedSocket() connection: WebwireConnection) {
    connection.signal('first', 'a');
    await Promise.resolve();
    connection.signal('second', 'b');
    return 'reply';
  }

  /** Replies with its body once `open()` is called for it. */
  @WebwireRequest('wait') async wait(@MessageBody() name: string) {
    this.started.push(name);
    await this.#gate(name).promise;
    return name;
  }

  @WebwireSignal('mirror') mirror(
    @WebwireMessage() { payload }: Message,
    @ConnectedSocket() connection: WebwireConnection,
  ) {
    connection.signal('mirrored', payload);
  }

  @WebwireSignal('note') note(@MessageBody() body: string) {
    this.notes.push(body);
  }

  @WebwireRequest('sign in') async signIn(
    @MessageBody() user: string,
    @ConnectedSocket() connection: WebwireConnection,
  ) {
    await connection.createSession({ user });
  }

  @WebwireRequest('sign out') async signOut(@ConnectedSocket() connection: WebwireConnection) {
    await connection.closeSession();
  }

  @WebwireRequest('whoami') whoami(@ConnectedSocket() { session }: WebwireConnection) {
    return session?.info?.user ?? 'nobody';
  }

  /** Items that the sources of streams have made. */
  made = 0;
  /** Names of the sources that have stopped. */
  readonly stopped = new Queue<string>();
  /** The `abortSignal` of each `watch` request. */
  readonly watched = new Queue<AbortSignal>();

  /** Streams the numbers from 0 to below its body. */
  @WebwireStream('count') async *count(@MessageBody() end: string) {
    try {
      for (let n = 0; n < Number(end); n++) {
        this.made++;
        yield String(n);
      }
    } finally {
      this.stopped.push('count');
    }
  }

  /** Streams so many items of 8 000 bytes. */
  @WebwireStream('large items') async *largeItems(@MessageBody() count: string) {
    for (let n = 0; n < Number(count); n++) {
      this.made++;
      yield NOISE.subarray(0, 8_000);
    }
  }

  @WebwireStream('break') async *break(@MessageBody() code: string) {
    yield 'one';
    if (code === '') throw new Error('SECRET');
    throw new RequestError(code, 'broken');
  }

  /** Replies with the reason when its `abortSignal` aborts. */
  @WebwireRequest('watch') async watch(@WebwireMessage() { abortSignal }: Message) {
    this.watched.push(abortSignal);
    await once(abortSignal, 'abort');
    return 'too late';
  }

  /** Replies with the trace context of the message. */
  @WebwireRequest('trace') trace(@WebwireMessage() { trace }: Message) {
    return trace ?? 'none';
  }

  /** Lets the handler of `wait` reply. */
  open(name: string) {
    this.#gate(name).resolve();
  }

  #gate(name: string): Deferred {
    const gate = this.#gates.get(name) ?? deferred();
    this.#gates.set(name, gate);
    return gate;
  }
}
