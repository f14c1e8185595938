import { Injectable, Module, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { LoggerModule, PinoLogger } from 'nestjs-pino';
import type { MessageTracing } from 'nestjs-webwire';
import { randomUUID } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

const CHANNELS = ['request', 'signal', 'stream'].map((kind) => `tracing:nestjs-webwire:${kind}:start`);

/** Gives all log lines of a message the same id, and lets `PinoLogger.assign()` add to them. */
@Injectable()
export class MessageLogContext implements OnModuleInit, OnModuleDestroy {
  constructor(private readonly logger: PinoLogger) {}

  readonly #begin = (event: unknown) => {
    const message = event as MessageTracing;
    const bindings = { reqId: randomUUID(), connection: message.connection.id, message: message.route };
    message.wrapHandler((call) => this.logger.runInContext(call, { bindings }));
  };

  onModuleInit() {
    for (const channel of CHANNELS) subscribe(channel, this.#begin);
  }
  onModuleDestroy() {
    for (const channel of CHANNELS) unsubscribe(channel, this.#begin);
  }
}

@Module({ imports: [LoggerModule.forRoot()], providers: [MessageLogContext] })
export class LogModule {}
