import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Answer, Question } from './answer.js';

/** Timeout for the end of a child process, in milliseconds. */
const STOP_TIMEOUT = 3_000;

export interface ChildOptions {
  /** Name of the process in errors. */
  readonly label: string;
  readonly file: URL;
  readonly args?: readonly string[];
  /** Program that runs the file. Default: the present Node.js. */
  readonly runtime?: string;
  readonly nodeArgs?: readonly string[];
  /** Number of the core to which the process is pinned. */
  readonly core: number | undefined;
  /** True if what the process writes to `stderr` is not shown, but is part of the error if it ends. */
  readonly isQuiet?: boolean;
}

/** A child process that answers requests. */
export class Child {
  readonly #label: string;
  readonly #process: ChildProcess;
  readonly #ended: Promise<string>;

  constructor({
    label,
    file,
    args = [],
    runtime = process.execPath,
    nodeArgs = [],
    core,
    isQuiet = false,
  }: ChildOptions) {
    const command = [runtime, ...nodeArgs, fileURLToPath(file), ...args];
    const [program, ...rest] = core === undefined ? command : ['taskset', '--cpu-list', String(core), ...command];
    this.#label = label;
    this.#process = spawn(program!, rest, {
      env: { ...process.env, NODE_ENV: 'production' },
      stdio: ['ignore', 'inherit', isQuiet ? 'pipe' : 'inherit', 'ipc'],
      // 'advanced' preserves bytes; other runtimes support JSON only.
      serialization: runtime === process.execPath ? 'advanced' : 'json',
    });
    const { stderr } = this.#process;
    const written = stderr && text(stderr);
    this.#ended = new Promise((resolve) => {
      this.#process.once('error', (error) => resolve(error.message));
      this.#process.once('exit', async (code, signal) => {
        const errors = await written;
        resolve(`it ended with ${signal ?? code}${errors ? `: ${errors}` : ''}`);
      });
    });
  }

  /**
   * @param timeout Milliseconds to wait for the answer.
   * @throws Error if the child fails to answer, ends, or takes too long.
   */
  async ask<Value>(name: string, timeout: number, argument?: unknown): Promise<Value> {
    const timer = new AbortController();
    const { signal } = timer;
    try {
      // The callback ignores the error of a child that has ended, as `#ended` reports it.
      this.#process.send({ name, argument } satisfies Question, () => undefined);
      const answer = await Promise.race([
        once(this.#process, 'message', { signal }) as Promise<[Answer]>,
        this.#ended.then((error): [Answer] => [{ error }]),
        delay<[Answer]>(timeout, [{ error: `no answer within ${timeout} ms` }], { signal }),
      ]);
      if ('error' in answer[0]) throw new Error(`${this.#label}, asked to ${name}: ${answer[0].error}`);
      return answer[0].value as Value;
    } finally {
      timer.abort();
    }
  }

  /** Lets the child end by itself, so that it writes its CPU profile; kills it after a timeout. */
  async stop(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect();
    const timer = new AbortController();
    await Promise.race([this.#ended, delay(STOP_TIMEOUT, undefined, { signal: timer.signal })]);
    timer.abort();
    this.#process.kill('SIGKILL');
    await this.#ended;
  }
}
