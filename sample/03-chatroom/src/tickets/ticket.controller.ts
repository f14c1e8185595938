import { Controller, Header, Post } from '@nestjs/common';
import { TICKET_PATH } from '../../api/chat-api.js';
import { TicketService } from './ticket.service.js';

/** Gives tickets to everybody. A real application would check a cookie, or a refresh token, here. */
@Controller()
export class TicketController {
  constructor(private readonly tickets: TicketService) {}

  @Post(TICKET_PATH)
  @Header('Cache-Control', 'no-store')
  issue(): { ticket: string } {
    return { ticket: this.tickets.issue() };
  }
}
