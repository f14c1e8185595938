import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Handshake } from 'nestjs-webwire';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';

/** Rejects connections without TLS, and stores the version of TLS in `connection.info`. */
@Injectable()
export class EncryptedGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    const request = context.switchToHttp().getRequest<IncomingMessage>();
    const socket = request.socket as Partial<TLSSocket>;
    if (!socket.encrypted) return false;
    // Bun does not have the version of TLS.
    context.switchToWs().getData<Handshake>().info = { tls: socket.getProtocol?.() ?? 'TLS' };
    return true;
  }
}
