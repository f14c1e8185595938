import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { UseHandshakeGuards, WebwireConnection, WebwireGateway, WebwireRequest } from 'nestjs-webwire';
import { EncryptedGuard } from './encrypted.guard.js';

/** Uses the HTTP server of the application, which has TLS because of `httpsOptions`. */
@UseHandshakeGuards(EncryptedGuard)
@WebwireGateway()
export class GreeterGateway {
  @WebwireRequest('greet')
  greet(@MessageBody() name: string, @ConnectedSocket() { request, remoteAddress, info }: WebwireConnection) {
    return `Hello ${name} at ${remoteAddress}, you came to ${request.headers.host} over ${String(info.tls)}`;
  }
}
