import { ConnectedSocket, MessageBody, WebSocketServer, type OnGatewayDisconnect } from '@nestjs/websockets';
import {
  RequestError,
  WebwireConnection,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireServer,
  WebwireSignal,
  Message,
  type DisconnectReason,
  type Payload,
} from 'nestjs-webwire';
import { Queue } from '../../support/queue.js';
import { Gates } from './gates.js';

/** The gateway of the recorded conversations (`test/fixtures/vectors/README.md`). */
@WebwireGateway()
export class ContractGateway implements OnGatewayDisconnect<WebwireConnection> {
  @WebSocketServer() readonly server!: WebwireServer;
  /** The reasons why connections ended, in order. */
  readonly disconnects = new Queue<DisconnectReason>();
  /** The gates of the requests to `slow`, by their identifiers in hexadecimal digits. */
  readonly slowRequests = new Gates();

  @WebwireRequest('echo')
  @WebwireRequest('echo1')
  echo(@WebwireMessage() message: Message): Payload {
    return message.payload;
  }

  @WebwireRequest()
  nameless(@WebwireMessage() message: Message): string {
    return `nameless:${message.payload.text()}`;
  }

  @WebwireRequest('fail')
  fail(): never {
    throw new RequestError('SAMPLE_CODE', 'sample message');
  }

  @WebwireRequest('crash')
  crash(): never {
    throw new Error('nobody expected this');
  }

  @WebwireRequest('empty')
  empty(): void {}

  @WebwireRequest('auth')
  async auth(@MessageBody() credentials: string, @ConnectedSocket() connection: WebwireConnection): Promise<void> {
    if (credentials !== 'secret:pass') {
      throw new RequestError('WRONG_CREDENTIALS', 'Incorrect username or password, try again');
    }
    await connection.createSession({ user: 'secret', level: 7 });
  }

  @WebwireRequest('whoami')
  whoami(@ConnectedSocket() { session }: WebwireConnection): unknown {
    return session?.info?.user ?? '';
  }

  @WebwireRequest('logout')
  async logout(@ConnectedSocket() connection: WebwireConnection): Promise<void> {
    await connection.closeSession();
  }

  @WebwireRequest('signal-me')
  signalMe(@ConnectedSocket() connection: WebwireConnection): string {
    connection.signal('pong', 'from server');
    return 'signalled';
  }

  @WebwireRequest('slow')
  async slow(@WebwireMessage() message: Message): Promise<string> {
    await this.slowRequests.pass(Buffer.from(message.identifier!).toString('hex'));
    return 'done';
  }

  @WebwireRequest('close-me')
  async closeMe(@ConnectedSocket() connection: WebwireConnection): Promise<string> {
    await connection.close();
    return 'closing';
  }

  @WebwireRequest({ fallback: true })
  unknown(@WebwireMessage() message: Message): never {
    throw new RequestError('UNKNOWN_REQUEST', `unknown request: ${message.name}`);
  }

  @WebwireSignal('eventA')
  eventA(@ConnectedSocket() connection: WebwireConnection, @WebwireMessage() message: Message): void {
    connection.signal('ackA', message.payload);
  }

  @WebwireSignal()
  namelessSignal(@ConnectedSocket() connection: WebwireConnection, @WebwireMessage() message: Message): void {
    connection.signal('ackNameless', message.payload);
  }

  handleDisconnect(_connection: WebwireConnection, reason: DisconnectReason): void {
    this.disconnects.push(reason);
  }
}
