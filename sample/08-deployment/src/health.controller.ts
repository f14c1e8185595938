import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService } from '@nestjs/terminus';
import { WebwireHealthIndicator } from 'nestjs-webwire/terminus';

@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly webwire: WebwireHealthIndicator,
  ) {}

  /** Answers 200 while this server should get new connections, and 503 from the beginning of a shutdown on. */
  @Get('ready')
  @HealthCheck()
  ready() {
    return this.health.check([() => this.webwire.isHealthy()]);
  }

  /** Answers 200 as long as the process works, also during a shutdown, as it must not be killed for that. */
  @Get('live')
  live() {
    return { status: 'ok' };
  }
}
