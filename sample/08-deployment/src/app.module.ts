import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { WebwireModule } from 'nestjs-webwire';
import { WebwireHealthIndicator } from 'nestjs-webwire/terminus';
import { HealthController } from './health.controller.js';
import { OrdersGateway } from './orders.gateway.js';
import { OrdersService } from './orders.service.js';
import { readSettings } from './settings.js';

@Module({
  imports: [WebwireModule.forRoot(readSettings(process.env)), TerminusModule.forRoot({ logger: false })],
  controllers: [HealthController],
  providers: [OrdersGateway, OrdersService, WebwireHealthIndicator],
})
export class AppModule {}
