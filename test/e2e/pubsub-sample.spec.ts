import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { afterEach, it } from 'vitest';
import { compiledSample } from '../support/sample.js';

/** Compiled by `npm run build:sample`, and using the built package, as a user would. */
const compiled = (file: string) => compiledSample('02-pubsub', `src/${file}`);

/** A program of the sample, and its output so far. */
class Program {
  static readonly running: Program[] = [];
  #output = '';
  #wake: () => void = () => undefined;
  readonly #process: ChildProcessByStdio<null, Readable, null>;

  constructor(file: string, args: readonly string[], port = '0') {
    this.#process = spawn(process.execPath, [compiled(file), ...args], {
      env: { ...process.env, PORT: port, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#process.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
      this.#wake();
    });
    Program.running.push(this);
  }

  /** Waits for a line of output after the one of the last call. */
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

  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill(signal);
    await ended;
  }
}

afterEach(async () => {
  await Promise.all(Program.running.splice(0).map((program) => program.end()));
});

it('sends publications of one application through the broker to subscribers, also after a restart of the broker', async () => {
  const broker = new Program('broker/main.js', []);
  const [, url, port] = await broker.says(/Topics at (ws:\/\/localhost:(\d+))/);
  const subscriber = new Program('subscriber.js', [url!, 'weather/berlin']);
  await subscriber.says(/subscribed to weather\/berlin/);
  const station = new Program('station/main.js', [url!]);
  await subscriber.says(/Z weather\/berlin: -?[\d.]+ °C\n/);
  await station.says(/°C \(to 1 subscribers\)/);

  await broker.end('SIGTERM');
  await subscriber.says(/the connection to the broker is lost/);
  await station.says(/Client "broker" has no connection, and tries again/);
  await new Program('broker/main.js', [], port).says(/Topics at/);
  await subscriber.says(/subscribed to weather\/berlin/);
  await subscriber.says(/Z weather\/berlin: -?[\d.]+ °C\n/);

  await station.end('SIGTERM');
  await subscriber.says(/weather\/berlin: the station closes\n/);
});
