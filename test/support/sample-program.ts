import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { compiledSample } from './sample.js';

interface ProgramOptions {
  readonly args?: readonly string[];
  /** The environment variable `PORT`; 0 lets the system choose one. */
  readonly port?: string;
  /** Further environment variables. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * A program of a sample, until the end of the test. It was compiled by `npm run build:sample`, and uses the built package, as an
 * application does.
 */
export class SampleProgram {
  /** The output after the last line that a test has waited for. */
  #output = '';
  #wake: () => void = () => undefined;
  #log = '';
  readonly #process: ChildProcessByStdio<null, Readable, null>;
  readonly #ended: Promise<unknown>;

  /** @param file Path in the folder `dist` of the sample. */
  constructor(sample: string, file: string, { args = [], port = '0', env = {} }: ProgramOptions = {}) {
    this.#process = spawn(process.execPath, [compiledSample(sample, file), ...args], {
      env: { ...process.env, ...env, PORT: port, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#ended = once(this.#process, 'exit');
    this.#process.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
      this.#log += text;
      this.#wake();
    });
    onTestFinished(() => this.end('SIGKILL'));
  }

  /** @throws Error with the warnings and errors that it has logged, if there are some. */
  assertNoComplaints(): void {
    const complaints = this.#log.split('\n').filter((line) => /\s(WARN|ERROR|FATAL)\s|^\s+at /.test(line));
    if (complaints.length > 0) throw new Error(`the program complains: ${complaints.join('\n')}`);
  }

  /** Waits for an output that comes after the one of the last call. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const said = pattern.exec(this.#output);
      if (said) {
        this.#output = this.#output.slice(said.index + said[0].length);
        return said;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    this.#process.kill(signal);
    await this.#ended;
  }
}
