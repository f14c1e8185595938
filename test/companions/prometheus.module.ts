import { Controller, Get, Header, Injectable, Module, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { WebwireService, type MessageTracing } from 'nestjs-webwire';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

@Injectable()
export class WebwireMetrics implements OnModuleInit, OnModuleDestroy {
  readonly registry = new Registry();
  readonly #registers = [this.registry];
  readonly #startedAt = new WeakMap<MessageTracing, number>();
  readonly #ends: (() => void)[] = [];

  readonly #duration = new Histogram({
    name: 'webwire_message_duration_seconds',
    help: 'Time from the arrival of a message to its reply',
    // `route` and not `message.name`, which clients choose.
    labelNames: ['kind', 'route', 'outcome'],
    registers: this.#registers,
  });
  readonly #violations = new Counter({
    name: 'webwire_violations_total',
    help: 'Clients that broke the protocol',
    registers: this.#registers,
  });
  readonly #dropped = new Counter({
    name: 'webwire_dropped_connections_total',
    help: 'Clients that were disconnected as they read too slowly',
    registers: this.#registers,
  });

  constructor(webwire: WebwireService) {
    const registers = this.#registers;
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect: function () {
          this.set(value());
        },
      });
    gauge('webwire_connections', 'Open connections', () => webwire.connectionCount);
    gauge('webwire_sessions', 'Sessions that a connection has', () => webwire.sessionCount);
  }

  onModuleInit() {
    for (const kind of ['request', 'signal', 'stream']) {
      const end = (message: MessageTracing) => this.#measure(kind, message);
      this.#subscribe(`tracing:nestjs-webwire:${kind}:start`, (message: MessageTracing) => {
        this.#startedAt.set(message, performance.now());
      });
      this.#subscribe(`tracing:nestjs-webwire:${kind}:end`, end);
      this.#subscribe(`tracing:nestjs-webwire:${kind}:asyncEnd`, end);
    }
    this.#subscribe('nestjs-webwire:violation', () => this.#violations.inc());
    this.#subscribe('nestjs-webwire:drop', () => this.#dropped.inc());
  }

  onModuleDestroy() {
    for (const end of this.#ends) end();
  }

  #measure(kind: string, message: MessageTracing) {
    const startedAt = this.#startedAt.get(message);
    const { route = 'none', outcome } = message;
    if (outcome === undefined || startedAt === undefined) return;
    this.#duration.observe({ kind, route, outcome }, (performance.now() - startedAt) / 1_000);
  }

  #subscribe(channel: string, listener: (message: never) => void) {
    const subscriber = (message: unknown) => listener(message as never);
    subscribe(channel, subscriber);
    this.#ends.push(() => unsubscribe(channel, subscriber));
  }
}

@Controller('metrics')
class MetricsController {
  constructor(private readonly metrics: WebwireMetrics) {}

  @Get() @Header('Content-Type', 'text/plain; version=0.0.4') list() {
    return this.metrics.registry.metrics();
  }
}

@Module({ providers: [WebwireMetrics], controllers: [MetricsController], exports: [WebwireMetrics] })
export class PrometheusModule {}
