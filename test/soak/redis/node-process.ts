import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { RedisClusterHealth } from 'nestjs-webwire/redis';

/** Settings of a node. */
export interface NodeSettings {
  readonly name: string;
  readonly seed: number;
  /** The servers of the Redis Cluster, and the proxies in front of them. */
  readonly addresses: { host: string; port: number }[];
  readonly natMap: Record<string, { host: string; port: number }>;
  readonly timeouts: { nodeTimeout: number; commandTimeout: number };
  /** The beginning of the run, in ms since 1970. */
  readonly beganAt: number;
  /** True to print the log of the node. */
  readonly isVerbose: boolean;
}

/** A question to a node. */
export type Question =
  | { readonly kind: 'end' | 'stop' | 'state' | 'members' }
  | { readonly kind: 'count'; readonly sessions: readonly string[] }
  | { readonly kind: 'signal'; readonly check: number };

export interface NodeState {
  readonly health: RedisClusterHealth;
  /** The number of places in each session according to the model. */
  readonly places: readonly (readonly [session: string, count: number])[];
  /** The members of groups that the node has according to the model, and those of others that were reported to it. */
  readonly members: readonly string[];
  readonly seen: readonly string[];
  readonly received: readonly string[];
  readonly tally: Readonly<Record<string, number>>;
}

interface Report {
  readonly id: number;
  readonly answered?: unknown;
  readonly error?: string;
}

/** The time in which a node has to start, in ms: while Redis is away it cannot. */
const START_TIMEOUT = 300_000;

/** The length of the output of a process that is kept, in characters. */
const KEPT_ERRORS = 4_000;

/** A node in a process of its own, which is started again after its end. */
export class NodeProcess {
  #child: ChildProcess | undefined;
  #isEndExpected = false;
  #starts = 0;
  #asked = 0;
  readonly #answers = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>();
  /** Ends of the process that were no faults of this run. */
  readonly crashes: string[] = [];

  constructor(private readonly settings: NodeSettings) {}

  get name(): string {
    return this.settings.name;
  }

  /** Starts the node. While Redis is away it cannot start, so it is tried again for a while. */
  async start(): Promise<void> {
    const deadline = performance.now() + START_TIMEOUT;
    for (;;) {
      const errors = await this.#spawn();
      if (errors === undefined) return;
      if (!errors.includes('RedisUnavailableError') || performance.now() > deadline) {
        throw new Error(`${this.name} cannot start: ${errors}`);
      }
    }
  }

  async state(): Promise<NodeState> {
    return (await this.#ask({ kind: 'state' })) as NodeState;
  }

  /** Counts the places in some sessions; -1 where that fails. */
  async count(sessions: readonly string[]): Promise<number[]> {
    return (await this.#ask({ kind: 'count', sessions })) as number[];
  }

  /** Lists the members of all groups on other nodes. */
  async members(): Promise<string[]> {
    return (await this.#ask({ kind: 'members' })) as string[];
  }

  /** Sends a signal to each group. */
  async signal(check: number): Promise<void> {
    await this.#ask({ kind: 'signal', check });
  }

  /** Ends the random actions of the node. */
  async end(): Promise<void> {
    await this.#ask({ kind: 'end' });
  }

  /** Ends the process without a warning. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#isEndExpected = true;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'close');
  }

  /** Shuts the node down. */
  async shutDown(): Promise<void> {
    await this.#ask({ kind: 'stop' });
    await this.kill();
  }

  /** Stops the process; its connections stay open. */
  stall(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** @returns `undefined` when the node has started, or what its process printed if that has ended instead. */
  async #spawn(): Promise<string | undefined> {
    const settings: NodeSettings = { ...this.settings, seed: this.settings.seed + this.#starts++ };
    const child = fork(new URL('./node-main.js', import.meta.url), {
      env: { ...process.env, SOAK_NODE: JSON.stringify(settings) },
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    this.#child = child;
    this.#isEndExpected = false;
    let errors = '';
    child.stderr!.on('data', (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-KEPT_ERRORS);
      if (settings.isVerbose) process.stderr.write(chunk);
    });
    const isStarted = await Promise.race([
      once(child, 'message').then(() => true),
      once(child, 'close').then(() => false),
    ]);
    if (!isStarted) return errors;
    child.on('message', (report: Report) => this.#answered(report));
    child.once('close', () => {
      if (!this.#isEndExpected) this.crashes.push(`${this.name} has ended by itself: ${errors}`);
      for (const { reject } of this.#answers.values()) reject(new Error(`${this.name} has ended`));
      this.#answers.clear();
    });
    return undefined;
  }

  #ask(question: Question): Promise<unknown> {
    const id = ++this.#asked;
    const answer = new Promise<unknown>((resolve, reject) => this.#answers.set(id, { resolve, reject }));
    this.#child!.send({ id, question });
    return answer;
  }

  #answered({ id, answered, error }: Report): void {
    const waiting = this.#answers.get(id);
    this.#answers.delete(id);
    if (error === undefined) waiting?.resolve(answered);
    else waiting?.reject(new Error(error));
  }
}
