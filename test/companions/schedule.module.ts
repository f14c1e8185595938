import { Injectable, Module } from '@nestjs/common';
import { Cron, ScheduleModule } from '@nestjs/schedule';
import { WebwireService } from 'nestjs-webwire';

@Injectable()
export class Clock {
  constructor(private readonly webwire: WebwireService) {}

  @Cron('* * * * * *', { name: 'clock' })
  tick() {
    // Every node of a cluster runs the job, so each signals to its own clients.
    this.webwire.signalGroup('clock', 'time', new Date().toISOString(), { local: true });
  }
}

@Module({ imports: [ScheduleModule.forRoot()], providers: [Clock] })
export class ClockModule {}
