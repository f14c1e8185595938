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

  /** Replies with the same bytes in the same encoding. */
  @WebwireRequest('echo')
  echo(@WebwireMessage() message: Message) {
    return message.payload;
  }

  /** Text is received as a string. The returned value is the reply. */
  @WebwireRequest('shout')
  shout(@MessageBody() text: string) {
    return text.toUpperCase();
  }

  /** The body is JSON, and Nest validates it before the handler is called. */
  @WebwireRequest('greet', { codec: jsonCodec })
  greet(@MessageBody(new ValidationPipe()) { name, language }: GreetingDto) {
    return { greeting: language === 'de' ? `Hallo ${name}!` : `Hello ${name}!` };
  }

  /** A `RequestError` is sent to the client with its code and message. */
  @WebwireRequest('secret')
  secret() {
    throw new RequestError('TOP_SECRET', 'This is not for you');
  }

  /** Signals have no reply. The server can send signals, too. */
  @WebwireSignal('ping')
  ping(@MessageBody() body: string, @ConnectedSocket() connection: WebwireConnection) {
    connection.signal('pong', body);
  }

  handleConnection(connection: WebwireConnection) {
    this.logger.log(`${connection.remoteAddress} connected`);
  }

  handleDisconnect(connection: WebwireConnection, reason?: DisconnectReason) {
    this.logger.log(`${connection.remoteAddress} disconnected: ${reason}`);
  }
}
