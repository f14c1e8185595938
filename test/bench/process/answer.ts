import { performance } from 'node:perf_hooks';

/** CPU time of a process up to a moment. Two readings give its CPU share in between. */
export interface CpuReading {
  /** User and system time, in milliseconds. */
  readonly used: number;
  /** The moment, in milliseconds. */
  readonly at: number;
}

/** A request of the parent process. */
export interface Question {
  readonly name: string;
  readonly argument?: unknown;
}

/** The answer of the child process: a value or an error. */
export type Answer = { readonly value: unknown } | { readonly error: string };

// The channel ends together with the parent, so no child outlives the run.
process.once('disconnect', () => process.exit());

/** Requests that arrived before `answer()` was called. Node.js would keep them, but Bun drops them without a listener. */
const early: Question[] = [];
const keep = (question: Question) => early.push(question);
process.on('message', keep);

/** Answers the requests of the parent by name, one at a time, including those that arrived before this call. */
export function answer(questions: Readonly<Record<string, (argument: never) => unknown>>): void {
  process.off('message', keep);
  process.on('message', (question: Question) => {
    void reply(questions, question);
  });
  for (const question of early) void reply(questions, question);
}

async function reply(questions: Parameters<typeof answer>[0], { name, argument }: Question): Promise<void> {
  let result: Answer;
  try {
    result = { value: await questions[name]!(argument as never) };
  } catch (error) {
    result = { error: error instanceof Error ? error.message : String(error) };
  }
  process.send!(result);
}

export function readCpu(): CpuReading {
  const { user, system } = process.cpuUsage();
  return { used: (user + system) / 1000, at: performance.now() };
}

/** CPU share of one core between two readings, from 0 to 1. */
export function cpuShare(from: CpuReading, to: CpuReading): number {
  return (to.used - from.used) / (to.at - from.at);
}
