import { Module } from '@nestjs/common';
import { WebwireModule } from 'nestjs-webwire';
import { GreetingGateway } from './greeting.gateway.js';
import { GreetingService } from './greeting.service.js';

@Module({
  imports: [WebwireModule.forRoot({ sessions: false })],
  providers: [GreetingGateway, GreetingService],
})
export class AppModule {}
