import { readFile, writeFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { drawChart } from './report/chart.js';
import { putFigures } from './report/page.js';
import type { Report } from './report/report.js';

const PAGE = 'docs/performance.md';

/** Draws the chart from the figures of a run, and writes the figures into their page. */
const [source = 'test/bench/results/latest.json'] = process.argv.slice(2);
const report = JSON.parse(await readFile(source, 'utf8')) as Report;
await writeFile('docs/throughput.svg', drawChart(report));
const page = putFigures(await readFile(PAGE, 'utf8'), report);
await writeFile(PAGE, await format(page, { ...(await resolveConfig(PAGE)), parser: 'markdown' }));
