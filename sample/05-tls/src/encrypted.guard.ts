import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Handshake } from 'nestjs-webwire';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';

/** Lets nobody in without TLS, should the application be started without, and leaves its version to the handlers. */
@Injectable()
export class EncryptedGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    const { socket } = context.switchToHttp().getRequest<IncomingMessage>();
    if (!(socket instanceof TLSSocket)) return false;
    context.switchToWs().getData<Handshake>().info = { tls: socket.getProtocol() };
    return true;
  }
}
