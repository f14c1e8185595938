import { Logger } from '@nestjs/common';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Delay before a node that has ended is started again, in ms. */
const PAUSE = 1_000;

const PROGRAM = fileURLToPath(new URL('node.js', import.meta.url));

/** The processes of the nodes. A process that ends is started again. */
export class Nodes {
  readonly #logger = new Logger('Cluster');
  readonly #processes = new Map<number, ChildProcess>();
  readonly #ports = new Map<number, number>();
  #turn = 0;
  #isStopping = false;

  /** Starts `count` nodes. @throws Error if one does not start. */
  async start(count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, (_, index) => this.#launch(index + 1)));
  }

  /** Returns the port of the next node; `undefined` if no node is running. */
  next(): number | undefined {
    const ports = [...this.#ports.values()];
    return ports[this.#turn++ % ports.length];
  }

  /** Ends all nodes after they have closed their connections. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const ending = [...this.#processes.values()].map((process) => {
      const exit = once(process, 'exit');
      process.kill('SIGTERM');
      return exit;
    });
    await Promise.all(ending);
  }

  async #launch(number: number): Promise<void> {
    const node = fork(PROGRAM, [String(number)]);
    this.#processes.set(number, node);
    const ended = once(node, 'exit');
    node.once('exit', () => {
      this.#processes.delete(number);
      this.#ports.delete(number);
    });
    const [port] = (await Promise.race([once(node, 'message'), ended.then(() => [])])) as [number?];
    if (port === undefined) throw new Error(`node ${number} did not start`);
    this.#ports.set(number, port);
    this.#logger.log(`Node ${number} is process ${node.pid}`);
    node.once('exit', () => this.#startAgain(number));
  }

  #startAgain(number: number): void {
    if (this.#isStopping) return;
    this.#logger.warn(`Node ${number} has ended`);
    setTimeout(() => {
      if (this.#isStopping) return;
      this.#launch(number).catch(() => this.#startAgain(number));
    }, PAUSE);
  }
}
