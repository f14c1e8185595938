import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readOptions, USAGE, type Options } from './options.js';
import { packPackage } from './pack.js';
import type { Row } from './row.js';
import { rows } from './rows.js';
import { Stage } from './stage.js';

/** The repository: the compiled program is in `.matrix`. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Outcome {
  readonly row: Row;
  readonly seconds: number;
  readonly failure?: string;
}

function selectRows({ only, ci }: Options): Row[] {
  const names = new Set(rows.map(({ name }) => name));
  // The name of a row may be part of another one's.
  const isMeant = (name: string, word: string) => (names.has(word) ? name === word : name.includes(word));
  const selected = rows.filter(
    ({ name, inCi }) => (!ci || inCi) && (only.length === 0 || only.some((word) => isMeant(name, word))),
  );
  if (selected.length === 0) throw new TypeError('no row has such a name: npm run test:matrix -- --list');
  return selected;
}

async function runRow(row: Row, { folder, ci, fresh }: Options, pack: () => Promise<string>): Promise<Outcome> {
  console.log(`\n${row.name}: ${row.does}`);
  const stage = new Stage(ROOT, join(folder, row.name), ci, pack);
  if (fresh) await rm(stage.folder, { recursive: true, force: true });
  await rm(join(stage.folder, 'log.txt'), { force: true });
  const start = Date.now();
  let failure: string | undefined;
  try {
    await row.run(stage);
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
    console.error(failure);
  } finally {
    await stage.close();
  }
  const seconds = Math.round((Date.now() - start) / 1000);
  console.log(
    `${failure === undefined ? 'passed' : 'FAILED'} in ${seconds} s; output: ${join(stage.folder, 'log.txt')}`,
  );
  return { row, seconds, failure };
}

async function runAll(options: Options): Promise<boolean> {
  let packing: Promise<string> | undefined;
  const pack = () => (packing ??= packPackage(ROOT, join(options.folder, 'tarball')));
  const outcomes: Outcome[] = [];
  // One after the other: most rows use all cores.
  for (const row of selectRows(options)) outcomes.push(await runRow(row, options, pack));
  console.log();
  for (const { row, seconds, failure } of outcomes) {
    console.log(`${failure === undefined ? 'passed' : 'FAILED'}  ${String(seconds).padStart(5)} s  ${row.name}`);
  }
  if (options.json) {
    console.log(JSON.stringify(outcomes.map(({ row: { name }, seconds, failure }) => ({ name, seconds, failure }))));
  }
  const failed = outcomes.filter(({ failure }) => failure !== undefined).length;
  console.log(`${outcomes.length - failed} rows passed, ${failed} failed`);
  return failed === 0;
}

const options = readOptions(process.argv.slice(2), ROOT);
if (!options) console.log(USAGE);
else if (options.list && options.json) console.log(JSON.stringify(selectRows(options).map(({ name }) => name)));
else if (options.list) {
  for (const { name, does, inCi } of selectRows(options))
    console.log(`${name.padEnd(32)}${inCi ? 'CI  ' : '    '}${does}`);
} else if (!(await runAll(options))) process.exitCode = 1;
