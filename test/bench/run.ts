import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Comparison, Table } from './cell.js';
import { BUN } from './contenders.js';
import { compare } from './measure.js';
import { readOptions, USAGE, type Options } from './options.js';
import { measureCodec } from './parts/codec.js';
import * as comparisons from './parts/comparisons.js';
import { measureIdle } from './parts/memory.js';
import { measureStalled, STALLED_STREAMS } from './parts/stalled-streams.js';
import { findCores } from './process/cores.js';
import { describeMachine, readVersions, type Report } from './report/report.js';
import { formatCodec, formatIdle, formatStalled, formatTable } from './report/table.js';
import { Stage } from './stage.js';

const COMPARISONS: Readonly<Record<string, (options: Options) => Comparison[]>> = {
  requests: comparisons.requests,
  signals: comparisons.signals,
  broadcast: comparisons.broadcast,
  latency: comparisons.latency,
  starvation: comparisons.starvation,
  growth: comparisons.growth,
  streams: comparisons.streams,
};

/** Runs the parts one after the other, and prints the results of each. */
async function run(options: Options): Promise<void> {
  const cores = findCores();
  const { parts, rounds, seconds, idleConnections, against, json } = options;
  const date = new Date().toISOString();
  const machine = describeMachine();
  const versions = readVersions();
  const header = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  process.stdout.write(
    `${machine}\n${header.join(', ')}\n${rounds} rounds of ${seconds} s, ratios to ${against ?? 'raw ws'}\n`,
  );
  if (!cores) process.stdout.write('Processes could not be pinned to cores: figures are noisier.\n');
  if (BUN.length === 0) process.stdout.write('Bun is left out, as it is not installed: npm install --no-save bun\n');
  const show = (text: string) => process.stdout.write(`\n\n${text}\n`);
  const tables: Record<string, Table[]> = {};
  let report: Report = { date, machine, versions, isPinned: cores !== undefined, rounds, seconds, tables };
  const stage = new Stage(options, cores);
  try {
    for (const [part, plan] of Object.entries(COMPARISONS)) {
      if (!parts.includes(part)) continue;
      tables[part] = [];
      for (const comparison of plan(options)) {
        const { possible, missing } = await withoutMissing(stage, comparison);
        const table = await compare(stage, possible);
        tables[part].push(table);
        show(formatTable(table));
        if (missing.length > 0) show(`Left out, as ${against} does not have them: ${missing.join(' · ')}`);
      }
      await stage.clear();
    }
    if (parts.includes('streams')) {
      const stalled = await measureStalled(stage);
      report = { ...report, stalled };
      show(formatStalled(stalled, STALLED_STREAMS));
      await stage.clear();
    }
    if (parts.includes('memory')) {
      const figures = await measureIdle(stage);
      report = { ...report, idle: { connections: idleConnections, figures } };
      show(formatIdle(figures, idleConnections));
    }
  } finally {
    await stage.close();
  }
  if (parts.includes('codec')) {
    const codec = measureCodec();
    report = { ...report, codec };
    show(formatCodec(codec));
  }
  if (json === undefined) return;
  await mkdir(dirname(json), { recursive: true });
  await writeFile(json, `${JSON.stringify(report, null, 2)}\n`);
}

/** Leaves out what another checkout does not have, and what would be compared with it. */
async function withoutMissing(stage: Stage, comparison: Comparison) {
  const missing = new Set<string>();
  for (const { name, contender, newsPerGo } of comparison.cells) {
    if (!(await stage.has(contender, newsPerGo))) missing.add(name);
  }
  const cells = comparison.cells.filter(({ name, base }) => !missing.has(name) && !missing.has(base ?? ''));
  const leftOut = comparison.cells.filter((cell) => !cells.includes(cell) && !missing.has(cell.name));
  return { possible: { ...comparison, cells }, missing: leftOut.map(({ name }) => name) };
}

let options: Options | undefined;
try {
  options = readOptions(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n\n`);
  process.exitCode = 2;
}
if (options) await run(options);
else process.stdout.write(USAGE);
