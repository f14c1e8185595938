import { Logger, ValidationPipe } from '@nestjs/common';
import { ConnectedSocket, MessageBody, type OnGatewayConnection, type OnGatewayDisconnect } from '@nestjs/websockets';
import {
  jsonCodec,
  RequestError,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireSignal,
  type DisconnectReason,
  type Message,
  type WebwireConnection,
} from 'nestjs-webwire';
import { GreetingDto } from './greeting.dto.js';

@WebwireGateway()
export class EchoGateway implements OnGatewayConnection<WebwireConnection>, OnGatewayDisconnect<WebwireConnection> {
  private readonly logger = new Logger(EchoGateway.name);

  /** The same bytes in the same encoding. */
  @WebwireRequest('echo')
  echo(@WebwireMessage() message: Message) {
    return message.payload;
  }

  /** Text comes as a string; what is returned is the reply. */
  @WebwireRequest('shout')
  shout(@MessageBody() text: string) {
    return text.toUpperCase();
  }

  /** JSON in, validated before it gets here. */
  @WebwireRequest('greet', { codec: jsonCodec })
  greet(@MessageBody(new ValidationPipe()) { name, language }: GreetingDto) {
    return { greeting: language === 'de' ? `Hallo ${name}!` : `Hello ${name}!` };
  }

  /** A failure that the client should know about. */
  @WebwireRequest('secret')
  secret() {
    throw new RequestError('TOP_SECRET', 'This is not for you');
  }

  /** Signals are not answered, but the server can send signals too. */
  @WebwireSignal('ping')
  ping(@MessageBody() body: string, @ConnectedSocket() connection: WebwireConnection) {
    connection.signal('pong', body);
  }

  handleConnection(connection: WebwireConnection) {
    this.logger.log(`${connection.remoteAddress} connected`);
  }

  handleDisconnect(connection: WebwireConnection, reason: DisconnectReason) {
    this.logger.log(`${connection.remoteAddress} disconnected: ${reason}`);
  }
}
