import { Module } from '@nestjs/common';
import { WebwireModule } from 'nestjs-webwire';
import { TopicsGateway } from './topics.gateway.js';

@Module({
  imports: [WebwireModule.forRoot({ sessions: false })],
  providers: [TopicsGateway],
})
export class BrokerModule {}
