import type { OnGatewayConnection, OnGatewayDisconnect } from '@nestjs/websockets';
import { UseHandshakeGuards, WebwireGateway, type WebwireConnection } from 'nestjs-webwire';
import { TICKET_EXPIRED } from '../../api/chat-api.js';
import { TicketGuard } from './ticket.guard.js';

/** Lets clients connect that have a ticket, and closes their connections when it expires. They come back with another one. */
@UseHandshakeGuards(TicketGuard)
@WebwireGateway()
export class TicketGateway implements OnGatewayConnection<WebwireConnection>, OnGatewayDisconnect<WebwireConnection> {
  private readonly timers = new Map<WebwireConnection, NodeJS.Timeout>();

  handleConnection(connection: WebwireConnection): void {
    const close = () => void connection.close({ code: TICKET_EXPIRED, reason: 'the ticket has expired' });
    const remaining = (connection.info.ticketExpiresAt as number) - Date.now();
    this.timers.set(connection, setTimeout(close, remaining));
  }

  handleDisconnect(connection: WebwireConnection): void {
    clearTimeout(this.timers.get(connection));
    this.timers.delete(connection);
  }
}
