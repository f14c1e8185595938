import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService } from '@nestjs/terminus';
import { WebwireHealthIndicator } from 'nestjs-webwire/terminus';

@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly webwire: WebwireHealthIndicator,
  ) {}

  /** Whether this server should get new connections: 503 from the beginning of a shutdown on. */
  @Get('ready')
  @HealthCheck()
  ready() {
    return this.health.check([() => this.webwire.isHealthy()]);
  }

  /** Whether the process works. A server that shuts down does, so it must not be killed for it. */
  @Get('live')
  live() {
    return { status: 'ok' };
  }
}
