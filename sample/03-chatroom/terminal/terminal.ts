import { clearScreenDown, createInterface, cursorTo, moveCursor, type Interface } from 'node:readline';
import { Writable } from 'node:stream';

/** Forwards the output of the line editor, except for secret input. */
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

/** Reads lines from the keyboard or a pipe. It prints lines above the input, so that they do not break a line being typed. */
export class Terminal {
  /** `true` if input and output are a terminal. */
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
    // After Ctrl-D, or at the end of a pipe.
    this.#editor.on('close', () => this.#end());
    // The editor catches Ctrl-C. This sends the usual signal.
    this.#editor.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    this.#editor.on('history', (history) => {
      if (this.#echo.isMuted) history.shift();
    });
  }

  /**
   * Reads the next line. Returns `undefined` at the end of the input, or when `signal` aborts; then typed text is discarded.
   *
   * @param prompt Printed before the input of a terminal.
   * @param isSecret Whether to hide the input.
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

  /** Prints a line above the input. */
  print(line: string): void {
    if (!this.#isPrompting || this.#echo.isMuted) {
      this.#output.write(`${line}\n`);
      return;
    }
    this.#clearInput();
    // The editor moves the cursor up by `prevRows` before it draws the input. There is no public property for it.
    const { prevRows = 0 } = this.#editor as { prevRows?: number };
    this.#output.write(`${line}\n${'\n'.repeat(prevRows)}`);
    this.#editor.prompt(true);
  }

  /** `true` if there are no more lines. */
  get hasEnded(): boolean {
    return this.#hasEnded && this.#lines.length === 0;
  }

  /** Stops reading. */
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
