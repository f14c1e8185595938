import { Controller, Get, Module } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { WebwireHealthIndicator } from 'nestjs-webwire/terminus';

@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly webwire: WebwireHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check() {
    return this.health.check([() => this.webwire.isHealthy()]);
  }
}

@Module({ imports: [TerminusModule], providers: [WebwireHealthIndicator], controllers: [HealthController] })
export class HealthModule {}
