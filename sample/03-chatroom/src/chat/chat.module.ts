import { Module } from '@nestjs/common';
import { AuthGateway } from './auth.gateway.js';
import { HistoryService } from './history.service.js';
import { RoomGateway } from './room.gateway.js';
import { RoomService } from './room.service.js';
import { UsersService } from './users.service.js';

@Module({
  providers: [AuthGateway, RoomGateway, UsersService, RoomService, HistoryService],
})
export class ChatModule {}
