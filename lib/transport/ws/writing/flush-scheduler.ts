import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers';

/** Copied, so that tests with fake timers do not stop writes. */
const atEndOfTurn = setImmediate;

/** Most reads before a flush. */
const MAX_GROUP_SIZE = 16;

/** Fewest reads in one turn of the event loop for which grouping saves time. */
const MIN_READS = 4;

/** Longest average time of a read, handlers included, for which reads are grouped, in milliseconds. */
const MAX_READ_TIME = 0.25;

/** Longest pause between two turns after which reads are still grouped, in milliseconds. */
const MAX_PAUSE = 1;

/** Longest pause between two reads of the same turn, in milliseconds. */
const MAX_GAP = 0.02;

/**
 * Decides when waiting replies are written: normally after each read of a socket. While many sockets are readable in each turn
 * of the event loop and handlers are fast, it groups up to 16 reads before it flushes. That is faster because the code of
 * reading and the code of writing, including that of the operating system, stay in the processor's caches. As soon as a turn is
 * slow, it flushes after each read again.
 */
export class FlushScheduler {
  /** Schedulers whose turn has begun and not ended. */
  static readonly #open = new Set<FlushScheduler>();
  static #hasExitListener = false;

  #isReading = false;
  #isGrouping = false;
  #isTurnOpen = false;
  /** Reads in immediate succession. Enough of them start a turn. */
  #streak = 0;
  #reads = 0;
  #turnStart = 0;
  /** Time at which the last turn ended, or the last read outside a turn. */
  #lastEnd = 0;

  /** @param flush Writes everything that waits. */
  constructor(private readonly flush: () => void) {}

  /** `true` if a later `flush` will write what is sent now. */
  get isHolding(): boolean {
    return this.#isReading || (this.#isGrouping && this.#isTurnOpen);
  }

  /** Call before reading from a connection. */
  beginRead(): void {
    this.#isReading = true;
    if (this.#isTurnOpen) return;
    const now = performance.now();
    const pause = now - this.#lastEnd;
    if (pause > MAX_PAUSE) this.#isGrouping = false;
    this.#streak = pause < MAX_GAP ? this.#streak + 1 : 0;
    // A turn costs a `setImmediate()`, too much for a single read. It is scheduled before handlers can call `setImmediate()`, so
    // that their replies are written first.
    if (this.#isGrouping || this.#streak >= MIN_READS) this.#beginTurn(now);
  }

  /** Call after the handlers of everything that was read have been started. */
  endRead(): void {
    this.#isReading = false;
    this.#reads++;
    if (!this.#isGrouping || this.#reads % MAX_GROUP_SIZE === 0) this.flush();
    if (!this.#isTurnOpen) this.#lastEnd = performance.now();
  }

  #beginTurn(now: number): void {
    this.#isTurnOpen = true;
    this.#reads = 0;
    this.#turnStart = now;
    atEndOfTurn(this.#endTurn);
    FlushScheduler.#open.add(this);
    FlushScheduler.#addExitListener();
  }

  /** Writes waiting replies if the process exits within a turn. All schedulers share one listener. */
  static #addExitListener(): void {
    if (this.#hasExitListener) return;
    this.#hasExitListener = true;
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
    this.#isGrouping = this.#reads >= MIN_READS && time <= this.#reads * MAX_READ_TIME;
    this.flush();
  };
}
