import { ConnectedSocket, WebSocketServer } from '@nestjs/websockets';
import {
  InjectWebwireServer,
  UseHandshakeGuards,
  WebwireConnection,
  WebwireGateway,
  WebwireRequest,
  WebwireServer,
} from 'nestjs-webwire';
import { EncryptedGuard } from './encrypted.guard.js';
import { GreeterGateway } from './greeter.gateway.js';

/** Listens on its own port, which a firewall can block. The module's configuration sets the port and the option `tls`. */
@UseHandshakeGuards(EncryptedGuard)
@WebwireGateway(4000)
export class AdminGateway {
  @WebSocketServer() readonly server!: WebwireServer;

  constructor(@InjectWebwireServer(GreeterGateway) private readonly greeter: WebwireServer) {}

  @WebwireRequest('count')
  count(@ConnectedSocket() { remoteAddress, info }: WebwireConnection) {
    return `${this.greeter.connections.size} to be greeted, as ${remoteAddress} may know over ${String(info.tls)}`;
  }
}
