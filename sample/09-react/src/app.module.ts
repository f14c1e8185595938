import { Module } from '@nestjs/common';
import { jsonCodec, WebwireModule } from 'nestjs-webwire';
import { PollGateway } from './poll.gateway.js';
import { PollService } from './poll.service.js';

@Module({
  imports: [WebwireModule.forRoot({ codec: jsonCodec, sessions: false })],
  providers: [PollGateway, PollService],
})
export class AppModule {}
