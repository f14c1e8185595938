import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { freePort } from './free-port.js';
import { compiledSample } from './sample.js';

/** Compiled by `npm run build:sample`, and using the built package, as a user would. */
export const compiled = (file: string) => compiledSample('03-chatroom', file);

/** The server of the chat room in a separate process, until the end of the test. */
export class Chatroom {
  #process: ReturnType<typeof launch> | undefined;
  #output = '';
  #wasStopped = false;

  private constructor(
    /** Directory for its sessions, and for other files of the test. */
    readonly directory: string,
    private readonly port: number,
    private readonly ticketLifetime: number,
  ) {}

  /**
   * Starts it with no sessions. A test in which it logs a warning or an error fails.
   * @param ticketLifetime In ms; by default longer than a test.
   */
  static async start(ticketLifetime = 600_000): Promise<Chatroom> {
    const directory = await mkdtemp(join(tmpdir(), 'webwire-chatroom-'));
    // Registered first, so done last: after the processes that use it have ended.
    onTestFinished(() => rm(directory, { recursive: true }));
    const chatroom = new Chatroom(directory, await freePort(), ticketLifetime);
    onTestFinished(async () => {
      await chatroom.stop('SIGKILL');
      const { complaints } = chatroom;
      if (complaints.length > 0) throw new Error(`the chat room complains: ${complaints.join('\n')}`);
    });
    await chatroom.startAgain();
    return chatroom;
  }

  get url(): string {
    return `http://localhost:${this.port}/`;
  }

  /** True if it was stopped. */
  get wasStopped(): boolean {
    return this.#wasStopped;
  }

  /** The logged warnings and errors. */
  get complaints(): string[] {
    return this.#output.split('\n').filter((line) => /\s(WARN|ERROR|FATAL)\s|^\s+at /.test(line));
  }

  /** Starts it, at the same port and with the same sessions as before. */
  async startAgain(): Promise<void> {
    const server = launch(this.port, join(this.directory, 'sessions'), this.ticketLifetime);
    this.#process = server;
    const isListening = new Promise<void>((resolve, reject) => {
      let output = '';
      const read = (chunk: Buffer) => {
        output += String(chunk);
        this.#output += String(chunk);
        if (output.includes(`The chat room is open: ${this.url}`)) resolve();
      };
      server.process.stdout.on('data', read);
      server.process.stderr.on('data', read);
      server.process.on('exit', () => reject(new Error(`the chat room did not open: ${output}`)));
    });
    await isListening;
  }

  /** Ends it. @returns The signal that ended it. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<NodeJS.Signals | null> {
    this.#wasStopped = true;
    this.#process?.process.kill(signal);
    const [, endedBy] = (await this.#process?.ended) ?? [null, null];
    return endedBy;
  }
}

function launch(port: number, sessions: string, ticketLifetime: number) {
  const own = {
    PORT: String(port),
    NO_COLOR: '1',
    SESSION_DIRECTORY: sessions,
    TICKET_LIFETIME: String(ticketLifetime),
  };
  const server = spawn(process.execPath, [compiled('src/main.js')], {
    env: { ...process.env, ...own },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { process: server, ended: once(server, 'exit') as Promise<[number | null, NodeJS.Signals | null]> };
}
