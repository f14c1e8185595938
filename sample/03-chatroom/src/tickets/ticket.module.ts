import { Module } from '@nestjs/common';
import { TicketController } from './ticket.controller.js';
import { TicketGateway } from './ticket.gateway.js';
import { TicketGuard } from './ticket.guard.js';
import { TicketService } from './ticket.service.js';

@Module({
  controllers: [TicketController],
  providers: [TicketGateway, TicketGuard, TicketService],
})
export class TicketModule {}
