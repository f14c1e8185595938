import { ConnectedSocket, MessageBody, WebSocketServer } from '@nestjs/websockets';
import {
  RequestError,
  WebwireConnection,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireServer,
  WebwireSignal,
  type DisconnectReason,
  type Message,
} from 'nestjs-webwire';
import { randomBytes } from 'node:crypto';
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
