import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Handshake } from 'nestjs-webwire';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';

/** Rejects connections without TLS, and stores the version of TLS in `connection.info`. */
@Injectable()
export class EncryptedGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    const { socket } = context.switchToHttp().getRequest<IncomingMessage>();
    if (!(socket instanceof TLSSocket)) return false;
    context.switchToWs().getData<Handshake>().info = { tls: socket.getProtocol() };
    return true;
  }
}
