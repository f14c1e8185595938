import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebwireModule, WebwireService } from 'nestjs-webwire';
import { setTimeout as delay } from 'node:timers/promises';
import type { Failures } from '../failures.js';
import type { Counts, Ports } from '../reports.js';
import { MAX_SESSION_CONNECTIONS } from '../wire.js';
import { GuardedGateway, NarrowGateway, PlainGateway } from './gateways.js';
import { Ledger } from './ledger.js';
import type { Logbook } from './logbook.js';
import { Ticker } from './ticker.js';

const HOST = '127.0.0.1';

/** Longest time for the server to detect that all clients have left, in milliseconds. */
const REST_TIMEOUT = 15_000;

class SoakModule {}

/** Values that the applications of a run share. */
export interface RunContext {
  readonly counts: Counts;
  readonly failures: Failures;
  readonly logbook: Logbook;
  /** Directory of the sessions, which outlive an application. */
  readonly directory: string;
}

/** One application, from its start to its end. */
export class Application {
  private constructor(
    private readonly app: INestApplication,
    private readonly ledger: Ledger,
    private readonly failures: Failures,
  ) {}

  /** @param ports 0 lets the system choose one. */
  static async start(ports: Ports, { counts, failures, logbook, directory }: RunContext): Promise<Application> {
    const ledger = new Ledger(counts, failures);
    const webwire = WebwireModule.forRoot({
      gateways: { NarrowGateway: { port: ports.own } },
      sessions: { directory, maxConnections: MAX_SESSION_CONNECTIONS },
    });
    const providers = [{ provide: Ledger, useValue: ledger }, Ticker, PlainGateway, NarrowGateway, GuardedGateway];
    const app = await NestFactory.create(
      { module: SoakModule, imports: [webwire], providers },
      { logger: logbook, abortOnError: false },
    );
    await app.listen(ports.http, HOST);
    return new Application(app, ledger, failures);
  }

  get ports(): Ports {
    const http = (this.app.getHttpServer() as Server).address() as AddressInfo;
    const own = this.app.get(NarrowGateway).server.address as AddressInfo;
    return { http: http.port, own: own.port };
  }

  /** Waits until all clients have left. They must not leave connections, groups or handlers. */
  async rest(): Promise<void> {
    const deadline = Date.now() + REST_TIMEOUT;
    while (!this.#isQuiet && Date.now() < deadline) await delay(50);
    if (!this.#isQuiet) this.failures.add(`nobody is connected, but the server does not rest: ${this.#state()}`);
  }

  /** Shuts down gracefully, also under load. */
  async close(): Promise<void> {
    const httpServer = this.app.getHttpServer() as Server;
    await this.app.close();
    this.ledger.close();
    if (httpServer.listening) this.failures.add('a closed application still listens');
    if (this.#connections > 0 || this.#sessions > 0) {
      this.failures.add(`a closed application still has ${this.#state()}`);
    }
  }

  get #isQuiet(): boolean {
    return this.ledger.isQuiet && this.#connections === 0 && this.#sessions === 0;
  }

  get #connections(): number {
    return this.app.get(WebwireService).connectionCount;
  }

  get #sessions(): number {
    return this.app.get(WebwireService).sessionCount;
  }

  #state(): string {
    return `${this.#connections} connections, ${this.#sessions} sessions, handlers and hooks ${this.ledger.isQuiet ? 'at rest' : 'at work'}`;
  }
}
