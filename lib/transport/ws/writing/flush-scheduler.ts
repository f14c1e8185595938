import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers';

/** Taken once: tests that replace timers do not hold up what is on its way. */
const atEndOfTurn = setImmediate;

/** Connections that are read before they are written to, at most. */
const LARGEST_GROUP = 16;

/** In turns with fewer reads there is nothing to be gained. */
const FEWEST_READS = 4;

/** How long a read may take, on average, for nobody to mind that others wait for it, in milliseconds. */
const QUICK_READ = 0.25;

/** How soon turns have to follow one another, in milliseconds, for connections to be as busy as in the last one. */
const PAUSE = 1;

/** How soon reads follow one another within a turn, in milliseconds. */
const GAP = 0.02;

/**
 * Decides when answers leave: as a rule right after the read that brought the questions. But while many connections are read
 * in each turn of the event loop, and all of them quickly, several are read before they are written to. That is faster, as
 * the code of reading and that of writing, the system's above all, stay in the caches of the processor meanwhile. As soon as
 * something takes its time, nobody waits for others any more.
 */
export class FlushScheduler {
  /** Those in whose turn the event loop is. */
  static readonly #open = new Set<FlushScheduler>();
  static #isExitAwaited = false;

  #isReading = false;
  #isGrouping = false;
  #isTurnOpen = false;
  /** Reads that followed one another at once, until there are enough to watch turns. */
  #streak = 0;
  #reads = 0;
  #turnStart = 0;
  /** When the last turn ended, or the last read where turns are not watched. */
  #lastEnd = 0;

  /** @param flush Called when what was held back leaves. */
  constructor(private readonly flush: () => void) {}

  /** Whether what is to be sent now is held back. */
  get isHolding(): boolean {
    return this.#isReading || (this.#isGrouping && this.#isTurnOpen);
  }

  /** A connection is about to be read. */
  beginRead(): void {
    this.#isReading = true;
    if (this.#isTurnOpen) return;
    const now = performance.now();
    const pause = now - this.#lastEnd;
    if (pause > PAUSE) this.#isGrouping = false;
    this.#streak = pause < GAP ? this.#streak + 1 : 0;
    // To watch a turn costs more than a lone read should. It begins before handlers can put off work to its end: their
    // answers go first.
    if (this.#isGrouping || this.#streak >= FEWEST_READS) this.#beginTurn(now);
  }

  /** What the connection sent was handled, as far as it can be at once. */
  endRead(): void {
    this.#isReading = false;
    this.#reads++;
    if (!this.#isGrouping || this.#reads % LARGEST_GROUP === 0) this.flush();
    if (!this.#isTurnOpen) this.#lastEnd = performance.now();
  }

  #beginTurn(now: number): void {
    this.#isTurnOpen = true;
    this.#reads = 0;
    this.#turnStart = now;
    atEndOfTurn(this.#endTurn);
    FlushScheduler.#open.add(this);
    FlushScheduler.#awaitExit();
  }

  /** What handlers have answered leaves, even if the process ends before the turn does. One listener does for all. */
  static #awaitExit(): void {
    if (this.#isExitAwaited) return;
    this.#isExitAwaited = true;
    process.on('exit', () => {
      for (const flushScheduler of this.#open) flushScheduler.#endTurn();
    });
  }

  readonly #endTurn = (): void => {
    FlushScheduler.#open.delete(this);
    this.#isTurnOpen = false;
    this.#lastEnd = performance.now();
    this.#streak = 0;
    const time = this.#lastEnd - this.#turnStart;
    this.#isGrouping = this.#reads >= FEWEST_READS && time <= this.#reads * QUICK_READ;
    this.flush();
  };
}
