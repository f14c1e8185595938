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

/** On a port of its own, which a firewall may keep from the world: configuration gives it the port and the option `tls`. */
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
