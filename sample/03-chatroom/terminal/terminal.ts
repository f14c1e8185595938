import { clearScreenDown, createInterface, cursorTo, moveCursor, type Interface } from 'node:readline';
import { Writable } from 'node:stream';

/** Passes on what the line editor writes, unless it is secret. */
class Echo extends Writable {
  isMuted = false;

  constructor(private readonly output: NodeJS.WriteStream) {
    super({ decodeStrings: false });
    output.on('resize', () => this.emit('resize'));
  }

  get columns(): number {
    return this.output.columns;
  }

  override _write(chunk: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (!this.isMuted) this.output.write(chunk);
    done();
  }
}

/** What comes from the keyboard or a pipe, line by line, and what is printed meanwhile, without garbling what is typed. */
export class Terminal {
  /** Whether there is somebody at a keyboard. */
  readonly isInteractive: boolean;
  readonly #lines: string[] = [];
  readonly #output: NodeJS.WriteStream;
  readonly #echo: Echo;
  readonly #editor: Interface;
  #isPrompting = false;
  #hasEnded = false;
  #wake: () => void = () => undefined;

  constructor(input: NodeJS.ReadStream, output: NodeJS.WriteStream) {
    this.isInteractive = input.isTTY && output.isTTY;
    this.#output = output;
    this.#echo = new Echo(output);
    this.#editor = createInterface({ input, output: this.#echo, terminal: this.isInteractive, prompt: '' });
    this.#editor.on('line', (line) => {
      this.#lines.push(line);
      this.#wake();
    });
    // Ctrl-D, or the end of a pipe.
    this.#editor.on('close', () => this.#end());
    // Ctrl-C, which the editor takes, means what it means without one.
    this.#editor.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    this.#editor.on('history', (history) => {
      if (this.#echo.isMuted) history.shift();
    });
  }

  /**
   * The next line; `undefined` at the end of the input, or when `signal` aborts, whatever was typed until then.
   *
   * @param prompt What stands before it, if somebody types it.
   * @param isSecret Whether it is not shown.
   */
  async ask(prompt: string, { isSecret = false, signal }: { isSecret?: boolean; signal?: AbortSignal } = {}) {
    if (this.isInteractive && !this.#hasEnded) {
      this.#editor.setPrompt(prompt);
      this.#editor.prompt();
      this.#isPrompting = true;
      this.#echo.isMuted = isSecret;
    }
    const wake = () => this.#wake();
    signal?.addEventListener('abort', wake);
    const isOver = () => this.#lines.length > 0 || this.#hasEnded || signal?.aborted === true;
    while (!isOver()) await new Promise<void>((resolve) => (this.#wake = resolve));
    signal?.removeEventListener('abort', wake);
    if (this.#echo.isMuted) {
      this.#echo.isMuted = false;
      this.#output.write('\n');
    } else if (this.#isPrompting && signal?.aborted) this.#clearInput();
    this.#isPrompting = false;
    return signal?.aborted ? undefined : this.#lines.shift();
  }

  /** Prints a line, above what is being typed. */
  print(line: string): void {
    if (!this.#isPrompting || this.#echo.isMuted) {
      this.#output.write(`${line}\n`);
      return;
    }
    this.#clearInput();
    // The editor goes up again by the rows that it thinks the cursor is below the first one, which it tells by this alone.
    const { prevRows = 0 } = this.#editor as { prevRows?: number };
    this.#output.write(`${line}\n${'\n'.repeat(prevRows)}`);
    this.#editor.prompt(true);
  }

  /** Whether there are no more lines. */
  get hasEnded(): boolean {
    return this.#hasEnded && this.#lines.length === 0;
  }

  /** Nothing more is read. */
  close(): void {
    this.#editor.close();
  }

  #clearInput(): void {
    moveCursor(this.#output, 0, -this.#editor.getCursorPos().rows);
    cursorTo(this.#output, 0);
    clearScreenDown(this.#output);
  }

  #end(): void {
    if (this.#isPrompting && !this.#echo.isMuted) this.#output.write('\n');
    this.#hasEnded = true;
    this.#isPrompting = false;
    this.#wake();
  }
}
