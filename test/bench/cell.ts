import type { Contender } from './contenders.js';
import type { LoadTarget } from './load/load.js';

/** One measurement: a contender under a load. */
export interface Cell {
  /** The row of the table: unique within its table. */
  readonly name: string;
  readonly contender: Contender;
  readonly load: Omit<LoadTarget, 'port' | 'exchange'>;
  /** Name of the row with which it is compared, if any. */
  readonly base?: string;
  /** Name of the row of the same gateway with Nest's own adapter, if any. */
  readonly rival?: string;
  /** Number of news that the server sends for each `go`. */
  readonly newsPerGo?: number;
}

/** Cells that are compared with each other. */
export interface Comparison {
  readonly title: string;
  readonly columns: readonly Column[];
  readonly cells: readonly Cell[];
}

/** A column of the table. */
export type Column = 'rate' | 'ratio' | 'range' | 'ratioPerCpu' | 'rival' | 'cpuPerMessage' | 'p50' | 'p99' | 'cpu';

/** The median of several figures, and their range. */
export interface Spread {
  readonly median: number;
  /** A quarter of the figures are not above it. */
  readonly lowerQuartile: number;
  readonly least: number;
  readonly most: number;
}

/** The results of one cell. */
export interface Row {
  readonly name: string;
  /** Messages per second: replies, news that arrived, signals that were handled. */
  readonly rate: Spread;
  /** The rate as a multiple of that of the base, in the same round. */
  readonly ratio: Spread | undefined;
  /**
   * The same ratio, per second of CPU time of the server. Other work of the machine hardly changes it.
   */
  readonly ratioPerCpu: Spread | undefined;
  /** The rate as a multiple of that of Nest's own adapter with the same enhancers. */
  readonly ratioToRival: Spread | undefined;
  /** CPU time of the server for each message, in microseconds. */
  readonly cpuPerMessage: Spread;
  /** Median and 99th percentile of the round trips of a paced load, in milliseconds. */
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

/** For an even number of values, the median is the mean of the two middle ones. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
  const lowerQuartile = sorted[Math.floor((sorted.length - 1) / 4)]!;
  return { median, lowerQuartile, least: sorted[0]!, most: sorted.at(-1)! };
}
