import type { Child } from './process/child.js';
import { measure, type Measurement, type RunningContender } from './measurement.js';
import type { Options } from './options.js';

/** What a contender did at one depth, round by round. */
export interface Series {
  readonly name: string;
  readonly rival: string | undefined;
  /** Requests in flight on each connection. */
  readonly depth: number;
  readonly rounds: Measurement[];
}

/** Before each measurement, in milliseconds. */
const WARM_UP = 100;

/** Once for each server and depth, in milliseconds: until then its hot code is being compiled. */
const FIRST_WARM_UP = 500;

/**
 * Measures all contenders in turn, round after round, so that what else happens on the machine hits all of them.
 * Every second round goes backwards, against effects of the order.
 */
export async function measureRounds(
  generator: Child,
  contenders: readonly RunningContender[],
  { seconds, rounds, depths }: Options,
): Promise<Series[]> {
  for (const inFlight of depths) {
    for (const running of contenders) {
      await measure(generator, running, { inFlight, warmUp: 0, duration: FIRST_WARM_UP });
    }
  }
  const all = depths.flatMap((depth) =>
    contenders.map((running) => {
      const { name, rival } = running.contender;
      const series: Series = { name, rival, depth, rounds: [] };
      return { running, series };
    }),
  );
  for (let round = 1; round <= rounds; round++) {
    process.stderr.write(`round ${round} of ${rounds}\n`);
    for (const { running, series } of round % 2 === 1 ? all : all.toReversed()) {
      const load = { inFlight: series.depth, warmUp: WARM_UP, duration: seconds * 1000 };
      series.rounds.push(await measure(generator, running, load));
    }
  }
  return all.map(({ series }) => series);
}
