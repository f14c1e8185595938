import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { WebwireClient } from 'nestjs-webwire/client';
import { InjectWebwireClient } from 'nestjs-webwire/client-module';
import type { PubSubApi } from '../pubsub-api.js';

const TOPIC = 'weather/berlin';
const INTERVAL = 1_000;

/** Publishes measurements to the broker, which is another application. */
@Injectable()
export class WeatherService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(WeatherService.name);
  private timer: NodeJS.Timeout | undefined;
  private temperature = 20;

  constructor(@InjectWebwireClient('broker') private readonly broker: WebwireClient<PubSubApi>) {}

  onApplicationBootstrap() {
    this.timer = setInterval(() => void this.publish(), INTERVAL);
    return this.publish();
  }

  /** The client can still be used here: it is closed later. */
  async beforeApplicationShutdown() {
    clearInterval(this.timer);
    await this.say('the station closes');
  }

  private async publish() {
    this.temperature += Math.random() - 0.5;
    await this.say(`${this.temperature.toFixed(1)} °C`);
  }

  /** Requests wait for a lost connection. The timeout drops a measurement when the next one is due. */
  private async say(text: string) {
    try {
      const reply = await this.broker.request('publish', { topic: TOPIC, text }, { timeout: INTERVAL });
      this.logger.log(`${TOPIC}: ${text} (to ${reply.json().receivers} subscribers)`);
    } catch (error) {
      this.logger.warn(`${TOPIC}: ${text} was not published: ${(error as Error).message}`);
    }
  }
}
