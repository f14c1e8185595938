import type { Meter, ObservableResult } from '@opentelemetry/api';
import type { MessageTracing, WebwireServer, WebwireServerEvents } from '../index.js';
import { ERROR_TYPE, MESSAGE_KIND, MESSAGE_KINDS } from './conventions.js';
import { Subscriptions } from './subscriptions.js';

/** Bounds of the buckets of the life of a connection, in seconds. */
const CONNECTION_BUCKETS = [0.01, 0.1, 1, 10, 60, 300, 900, 3_600, 14_400, 43_200, 86_400];

type Event<Name extends keyof WebwireServerEvents> = WebwireServerEvents[Name][0] & { readonly server: WebwireServer };

/** Measures connections, sessions and clients that misbehave, on all servers of the process. */
export class ServerMetrics {
  /** The servers that have had a message or an event and have not stopped since. They may be older than this. */
  readonly #servers = new Set<WebwireServer>();
  readonly #subscriptions = new Subscriptions();
  #stopObserving: (() => void) | undefined;

  /** Begins to measure, or goes on with another meter. */
  start(meter: Meter): void {
    this.#end();
    this.#observe(meter);
    const duration = meter.createHistogram('webwire.server.connection.duration', {
      description: 'Duration of connections.',
      unit: 's',
      advice: { explicitBucketBoundaries: CONNECTION_BUCKETS },
    });
    const count = (name: string, description: string, unit: string) =>
      meter.createCounter(`webwire.server.${name}`, { description, unit });
    const dropped = count(
      'dropped_connections',
      'Clients that were disconnected as they read too slowly.',
      '{connection}',
    );
    const refused = count('refused_connections', 'Clients that asked to connect and were refused.', '{connection}');
    const violations = count('violations', 'Clients that broke the protocol.', '{violation}');
    const limited = count('limited_messages', 'Messages beyond the rate limit of their connection.', '{message}');
    const add = this.#add;
    for (const kind of MESSAGE_KINDS) {
      const channel = `tracing:nestjs-webwire:${kind}:start`;
      this.#subscriptions.add(channel, ({ server }: MessageTracing) => this.#note(server));
    }
    // They may have stopped while this was off.
    for (const server of this.#servers) this.#note(server);
    add('connection', () => {});
    add('shutdown', () => {});
    add('disconnection', ({ connection, reason }) => {
      const seconds = Math.max(0, Date.now() - connection.createdAt.getTime()) / 1_000;
      duration.record(seconds, { 'webwire.disconnect.reason': reason });
    });
    add('drop', () => dropped.add(1));
    add('refusal', ({ status }) => refused.add(1, { 'http.response.status_code': status }));
    add('violation', ({ error }) => violations.add(1, { [ERROR_TYPE]: error.code }));
    add('limit', ({ kind }) => limited.add(1, { [MESSAGE_KIND]: kind }));
  }

  /** The servers are kept: after another `start()`, their connections may have no event for a long time. */
  stop(): void {
    this.#end();
  }

  readonly #add = <Name extends keyof WebwireServerEvents>(name: Name, listener: (event: Event<Name>) => void): void =>
    this.#subscriptions.add(`nestjs-webwire:${name}`, (event: Event<Name>) => {
      this.#note(event.server);
      listener(event);
    });

  #note(server: WebwireServer): void {
    if (server.status === 'stopped') this.#servers.delete(server);
    else this.#servers.add(server);
  }

  #end(): void {
    this.#subscriptions.end();
    this.#stopObserving?.();
    this.#stopObserving = undefined;
  }

  /** The numbers are counted when they are collected, so that no event that was missed makes them wrong for ever. */
  #observe(meter: Meter): void {
    const gauge = (name: string, description: string, unit: string, value: () => number) => {
      const instrument = meter.createObservableUpDownCounter(`webwire.server.${name}`, { description, unit });
      const observe = (result: ObservableResult) => result.observe(value());
      instrument.addCallback(observe);
      return () => instrument.removeCallback(observe);
    };
    const stops = [
      gauge('active_connections', 'Open connections.', '{connection}', () => this.#connectionCount()),
      gauge('active_sessions', 'Sessions that a connection has.', '{session}', () => this.#sessionCount()),
    ];
    this.#stopObserving = () => {
      for (const stop of stops) stop();
    };
  }

  #connectionCount(): number {
    let count = 0;
    for (const { connections } of this.#servers) count += connections.size;
    return count;
  }

  #sessionCount(): number {
    const keys = new Set<string>();
    for (const { connections } of this.#servers) {
      for (const { session } of connections) if (session) keys.add(session.key);
    }
    return keys.size;
  }
}
