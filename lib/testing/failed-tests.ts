import { linesOf, type FrameRecord } from './frame-record.js';

const JEST_HANDLERS = Symbol.for('EVENT_HANDLERS');

/**
 * The parts of test runners that show that a test has failed. They belong to the globals of the runner, because a library that
 * imports a runner depends on it. If a version of a runner does not have them, records are printed for all tests.
 */
interface RunnerGlobals {
  /** Vitest: its state, in which `current` is the running test, or the suite or file whose hooks run. */
  readonly __vitest_worker__?: { readonly current?: VitestTask };
  /** Jest (`jest-circus`): functions that receive its events. */
  readonly [JEST_HANDLERS]?: ((event: JestEvent) => void)[];
}

interface VitestTask {
  readonly type: string;
  /** The list to which Vitest's `onTestFailed()` adds. Each repetition of the test has another one. */
  onFailed?: (() => void)[];
}

interface JestEvent {
  readonly name: string;
  readonly test?: { readonly errors: readonly unknown[] };
}

/** The records to which a running test has added entries. */
interface Watch {
  readonly records: Set<FrameRecord>;
  readonly print: () => void;
}

const watchedTasks = new WeakMap<VitestTask, Watch>();

/** The records to which the running test of Jest has added entries. */
const jestRecords = new Set<FrameRecord>();

/**
 * Prints a record if the running test fails. Called for each entry, because tests may share clients.
 * @returns `false` if the test runner is not known.
 */
export function printIfTestFails(record: FrameRecord): boolean {
  const { __vitest_worker__: vitest, [JEST_HANDLERS]: jestHandlers } = globalThis as RunnerGlobals;
  if (vitest?.current) {
    if (vitest.current.type === 'test') watchOf(vitest.current).records.add(record);
    return true;
  }
  if (!jestHandlers) return false;
  if (!jestHandlers.includes(onJestEvent)) jestHandlers.push(onJestEvent);
  jestRecords.add(record);
  return true;
}

/** Prints records to the console, which test runners show together with the test. */
export function printRecords(records: Iterable<FrameRecord>, title: string): void {
  const lines = linesOf(records);
  if (lines.length > 0) console.error([title, ...lines].join('\n'));
}

function watchOf(task: VitestTask): Watch {
  const known = watchedTasks.get(task);
  if (known && task.onFailed?.includes(known.print)) return known;
  const records = new Set<FrameRecord>();
  const watch = { records, print: () => printOfFailedTest(records) };
  watchedTasks.set(task, watch);
  (task.onFailed ??= []).push(watch.print);
  return watch;
}

function onJestEvent({ name, test }: JestEvent): void {
  if (name === 'test_done' && test && test.errors.length > 0) printOfFailedTest(jestRecords);
  if (name === 'test_start' || name === 'test_done') jestRecords.clear();
}

function printOfFailedTest(records: Iterable<FrameRecord>): void {
  printRecords(records, 'WebWire messages of the failed test:');
}
