import type { Contender } from './contenders.js';
import type { LoadTarget } from './load/load.js';

/** One thing to measure: a contender under a load. */
export interface Cell {
  /** The row of the table: unique within its table. */
  readonly name: string;
  readonly contender: Contender;
  readonly load: Omit<LoadTarget, 'port' | 'exchange'>;
  /** The row it is compared with, if any. */
  readonly base?: string;
  /** The row of what does the same with Nest's own adapter, if there is one. */
  readonly rival?: string;
  /** News that the server sends for each go. */
  readonly newsPerGo?: number;
}

/** Cells that are compared with one another. */
export interface Comparison {
  readonly title: string;
  readonly columns: readonly Column[];
  readonly cells: readonly Cell[];
}

/** What to show of each row. */
export type Column = 'rate' | 'ratio' | 'range' | 'ratioPerCpu' | 'rival' | 'cpuPerMessage' | 'p50' | 'p99' | 'cpu';

/** The middle of several figures, and how far they lie apart. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** What came out for one cell. */
export interface Row {
  readonly name: string;
  /** Messages per second: replies, news that arrived, signals that were handled. */
  readonly rate: Spread;
  /** The rate as a multiple of that of the base, in the same round. */
  readonly ratio: Spread | undefined;
  /**
   * The same for each second of CPU time that the server used. It hardly changes when something else on the machine takes
   * time from one of the two.
   */
  readonly ratioPerCpu: Spread | undefined;
  /** The rate as a multiple of that of Nest's own adapter with the same enhancers. */
  readonly ratioToRival: Spread | undefined;
  /** CPU time of the server for each message, in microseconds. */
  readonly cpuPerMessage: Spread;
  /** Round trips of a paced load, in milliseconds: half of them, and all but one in a hundred, took no longer. */
  readonly p50: Spread | undefined;
  readonly p99: Spread | undefined;
  /** Shares of their core that the two sides used. */
  readonly serverCpu: number;
  readonly generatorCpu: number;
}

/** The figures of a comparison. */
export interface Table {
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
}

/** Of an even number of values the mean of the two in the middle. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
  return { median, least: sorted[0]!, most: sorted.at(-1)! };
}
