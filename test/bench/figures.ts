import type { Measurement } from './measurement.js';
import type { Series } from './rounds.js';

/** The middle of several figures, and how far they lie apart. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** What comes out for one contender at one depth. */
export interface Figures {
  readonly name: string;
  readonly inFlight: number;
  readonly requestsPerSecond: Spread;
  /** Throughput as a multiple of the reference's in the same round. */
  readonly ratio: Spread;
  /**
   * The same for each second of CPU time that the server used. It hardly changes when something else on the machine
   * takes time from one of the two.
   */
  readonly ratioPerCpu: Spread;
  /** Throughput as a multiple of that of Nest's own adapter with the same enhancers, if it was measured. */
  readonly ratioToRival: Spread | undefined;
  readonly serverCpu: number;
  readonly generatorCpu: number;
  readonly rounds: readonly Measurement[];
}

/** @throws Error if the reference is not among the series. */
export function computeFigures(all: readonly Series[], reference: string): Figures[] {
  return all.map((series) => {
    const of = (name: string | undefined) => all.find((other) => other.name === name && other.depth === series.depth);
    const base = of(reference);
    if (!base) throw new Error(`${reference} was not measured`);
    const rival = of(series.rival);
    return {
      name: series.name,
      inFlight: series.depth,
      requestsPerSecond: spread(series.rounds.map(throughput)),
      ratio: ratio(series, base, throughput),
      ratioPerCpu: ratio(series, base, throughputPerCpu),
      ratioToRival: rival && ratio(series, rival, throughput),
      serverCpu: spread(series.rounds.map(({ serverCpu }) => serverCpu)).median,
      generatorCpu: spread(series.rounds.map(({ generatorCpu }) => generatorCpu)).median,
      rounds: series.rounds,
    };
  });
}

/** Round by round, as two figures of one round have more in common than two medians. */
function ratio(series: Series, base: Series, figure: (measurement: Measurement) => number): Spread {
  return spread(series.rounds.map((measurement, round) => figure(measurement) / figure(base.rounds[round]!)));
}

function throughput({ requestsPerSecond }: Measurement): number {
  return requestsPerSecond;
}

function throughputPerCpu({ requestsPerSecond, serverCpu }: Measurement): number {
  return requestsPerSecond / serverCpu;
}

/** Of an even number of values the lower of the two in the middle. */
function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: sorted[(sorted.length - 1) >> 1]!, least: sorted[0]!, most: sorted.at(-1)! };
}
