import { performance } from 'node:perf_hooks';

/** What a process has used up to a moment; two of them give its share of a core in between. */
export interface CpuReading {
  /** User and system time, in milliseconds. */
  readonly used: number;
  /** The moment, in milliseconds. */
  readonly at: number;
}

/** A question of the parent process. */
export interface Question {
  readonly name: string;
  readonly argument?: unknown;
}

/** The answer of the child process: what came out of it, or why nothing did. */
export type Answer = { readonly value: unknown } | { readonly error: string };

// Whatever ends the parent also ends this channel, so no child outlives the run.
process.once('disconnect', () => process.exit());

/** Answers the parent's questions by name, one at a time. Those that came before this call are answered too. */
export function answer(questions: Readonly<Record<string, (argument: never) => unknown>>): void {
  process.on('message', (question: Question) => {
    void reply(questions, question);
  });
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

/** The share of a core that was used from one reading to the other: 1 is all of it. */
export function cpuShare(from: CpuReading, to: CpuReading): number {
  return (to.used - from.used) / (to.at - from.at);
}
