import { readFile, writeFile } from 'node:fs/promises';
import { RAW_WS } from './contenders.js';
import { compare } from './measure.js';
import { readOptions } from './options.js';
import { requests } from './parts/comparisons.js';
import { findCores } from './process/cores.js';
import { Stage } from './stage.js';

/** The recorded ratios, relative to the root of the project. */
const RECORD = 'test/bench/results/check.json';

/** Smallest part of a recorded ratio that passes. Machines are noisy, so less than a quarter says nothing. */
const LEAST_PART = 0.7;

/** Servers that are checked: those of most applications. */
const NAMES = new Set(['webwire', 'webwire, utf8', 'webwire, JSON', 'webwire, guard + pipe, utf8']);

/** Requests per second of CPU time as a multiple of plain `ws`, by server and requests in flight. */
type Ratios = Record<string, number>;

/** Fails if a ratio is far below the recorded one, twice in a row. With `--record`, writes the ratios instead. */
const isRecording = process.argv[2] === '--record';
const ratios = await measureRatios(isRecording ? 15 : 5);
if (isRecording) {
  await writeFile(RECORD, `${JSON.stringify(ratios, null, 2)}\n`);
} else {
  const recorded = JSON.parse(await readFile(RECORD, 'utf8')) as Ratios;
  const slow = below(ratios, recorded);
  const slowAgain = slow.length > 0 ? below(await measureRatios(9), recorded).filter((key) => slow.includes(key)) : [];
  if (slowAgain.length > 0) {
    process.stderr.write(`slower than recorded in ${RECORD}, twice in a row: ${slowAgain.join(' · ')}\n`);
    process.exitCode = 1;
  }
}

async function measureRatios(rounds: number): Promise<Ratios> {
  const options = readOptions(['--rounds', String(rounds), '--seconds', '0.1'])!;
  const stage = new Stage(options, findCores());
  const measured: Ratios = {};
  try {
    for (const comparison of requests(options)) {
      const cells = comparison.cells.filter(({ name }) => name === RAW_WS.name || NAMES.has(name));
      const { rows } = await compare(stage, { ...comparison, cells });
      for (const { name, ratioPerCpu } of rows) {
        if (name === RAW_WS.name) continue;
        // The recorded ratio is one that three quarters of the rounds reach.
        const ratio = isRecording ? ratioPerCpu!.lowerQuartile : ratioPerCpu!.median;
        measured[`${name}, ${cells[0]!.load.depth} in flight`] = Number(ratio.toFixed(2));
      }
    }
  } finally {
    await stage.close();
  }
  process.stdout.write(`${JSON.stringify(measured, null, 2)}\n`);
  return measured;
}

function below(measured: Ratios, recorded: Ratios): string[] {
  return Object.entries(recorded)
    .filter(([key, ratio]) => !((measured[key] ?? 0) >= ratio * LEAST_PART))
    .map(([key]) => key);
}
