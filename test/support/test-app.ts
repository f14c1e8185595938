import type { INestApplication, LoggerService, ModuleMetadata, NestApplicationOptions, Type } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import type { AddressInfo } from 'node:net';
import { WebwireModule, type WebwireModuleOptions } from 'nestjs-webwire';
import { WireClient } from './wire-client.js';

/** Keeps what an application logs, for assertions. */
export class RecordingLogger implements LoggerService {
  readonly lines: { level: string; text: string }[] = [];
  #wake: () => void = () => undefined;

  log(text: unknown): void {
    this.#add('log', [text]);
  }
  error(...parts: unknown[]): void {
    this.#add('error', parts);
  }
  warn(...parts: unknown[]): void {
    this.#add('warn', parts);
  }
  debug(...parts: unknown[]): void {
    this.#add('debug', parts);
  }

  at(level: string): string[] {
    return this.lines.filter((line) => line.level === level).map(({ text }) => text);
  }

  /** Waits for a line that contains `part`. */
  async logged(level: string, part: string): Promise<string> {
    for (;;) {
      const line = this.at(level).find((text) => text.includes(part));
      if (line !== undefined) return line;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #add(level: string, parts: unknown[]): void {
    this.lines.push({ level, text: parts.map(String).join(' ') });
    this.#wake();
  }
}

/** An application that listens, and the clients that were connected to it: all are gone after `close()`. */
export class TestApp {
  readonly #clients: WireClient[] = [];

  private constructor(
    readonly app: INestApplication,
    readonly logger: RecordingLogger,
  ) {}

  /**
   * Starts an application that imports `WebwireModule`.
   * @param configure Called before the start, for `useGlobalPipes()` and the like.
   */
  static async start(
    metadata: ModuleMetadata,
    options: WebwireModuleOptions = {},
    configure: (app: INestApplication) => void = () => undefined,
  ): Promise<TestApp> {
    const imports = [WebwireModule.forRoot(options), ...(metadata.imports ?? [])];
    return TestApp.startWithout({ ...metadata, imports }, configure);
  }

  /** Starts an application as it is, without adding `WebwireModule`. */
  static async startWithout(
    metadata: ModuleMetadata,
    configure: (app: INestApplication) => void = () => undefined,
    { adapter, ...options }: { adapter?: AbstractHttpAdapter } & NestApplicationOptions = {},
  ): Promise<TestApp> {
    const logger = new RecordingLogger();
    const module = await Test.createTestingModule(metadata).setLogger(logger).compile();
    const app = adapter
      ? module.createNestApplication(adapter, { logger, ...options })
      : module.createNestApplication({ logger, ...options });
    configure(app);
    try {
      await app.listen(0, '127.0.0.1');
    } catch (error) {
      await app.close();
      throw error;
    }
    return new TestApp(app, logger);
  }

  get port(): number {
    return (this.app.getHttpServer().address() as AddressInfo).port;
  }

  url(path = '/', port = this.port): string {
    return `ws://127.0.0.1:${port}${path}`;
  }

  get<T>(type: Type<T>): T {
    return this.app.get(type);
  }

  async connect(path = '/', port = this.port): Promise<WireClient> {
    const client = await WireClient.connect(this.url(path, port));
    this.#clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    for (const { socket } of this.#clients) socket.terminate();
    await this.app.close();
  }
}
