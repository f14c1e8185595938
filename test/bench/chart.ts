import { readFile, writeFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { drawChart } from './report/chart.js';
import { putFigures } from './report/readme.js';
import type { Report } from './report/report.js';

const RESULTS = 'test/bench/results';

/** Draws the chart from the figures of a run, and writes the figures into the README. */
const [source = `${RESULTS}/latest.json`] = process.argv.slice(2);
const report = JSON.parse(await readFile(source, 'utf8')) as Report;
await writeFile(`${RESULTS}/chart.svg`, drawChart(report));
const readme = putFigures(await readFile('README.md', 'utf8'), report);
await writeFile('README.md', await format(readme, { ...(await resolveConfig('README.md')), parser: 'markdown' }));
