import type { INestApplication, LoggerService, ModuleMetadata, NestApplicationOptions, Type } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import type { AddressInfo } from 'node:net';
import { WebwireModule, type WebwireModuleOptions } from 'nestjs-webwire';
import { WireClient } from './wire-client.js';

/** Timeout of `logged()`, in ms: less than the timeout of a test, whose error would not contain the log. */
const LOG_PATIENCE = 20_000;

/** Records the log of an application, for assertions. */
export class RecordingLogger implements LoggerService {
  readonly lines: { level: string; text: string }[] = [];
  readonly #waiting = new Set<() => void>();

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

  /**
   * Waits for a line that contains `part`. Several calls can wait at the same time.
   * @param patience In ms.
   * @throws Error with all logged lines, if the line does not come.
   */
  logged(level: string, part: string, patience = LOG_PATIENCE): Promise<string> {
    const find = () => this.at(level).find((text) => text.includes(part));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        const lines = this.lines.map((line) => `${line.level}: ${line.text}`);
        reject(new Error(`no ${level} with ${JSON.stringify(part)} within ${patience} ms, but: ${lines.join('\n')}`));
      }, patience);
      const look = () => {
        const line = find();
        if (line === undefined) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(line);
      };
      this.#waiting.add(look);
      look();
    });
  }

  #add(level: string, parts: unknown[]): void {
    this.lines.push({ level, text: parts.map(String).join(' ') });
    for (const look of this.#waiting) look();
  }
}

/** An application that listens, and its clients. `close()` closes all of them. */
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

  /** Starts an application without adding `WebwireModule`. */
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
