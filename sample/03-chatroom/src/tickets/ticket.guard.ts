import { Injectable, UnauthorizedException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Handshake } from 'nestjs-webwire';
import type { IncomingMessage } from 'node:http';
import { TicketService } from './ticket.service.js';

/** Rejects upgrades without a valid ticket in the query: browsers send no headers of their own with a WebSocket. */
@Injectable()
export class TicketGuard implements CanActivate {
  constructor(private readonly tickets: TicketService) {}

  canActivate(context: ExecutionContext): boolean {
    const { url = '' } = context.switchToHttp().getRequest<IncomingMessage>();
    const ticket = new URLSearchParams(url.split('?')[1]).get('ticket') ?? '';
    const expiresAt = this.tickets.verify(ticket);
    if (expiresAt === undefined) throw new UnauthorizedException('the ticket is invalid or has expired');
    context.switchToWs().getData<Handshake>().info.ticketExpiresAt = expiresAt;
    return true;
  }
}
