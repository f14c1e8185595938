import type { Figures, Spread } from './figures.js';

/** Share of a core from which on a process counts as busy. */
const BUSY = 0.9;

const HEADINGS = ['ratio', 'range', 'per CPU second', '× platform-ws', 'server CPU', 'generator CPU'];

/** The figures for people: for each depth a Markdown table, and what is to be doubted in it. */
export function formatFigures(figures: readonly Figures[], reference: string): string {
  const depths = [...new Set(figures.map(({ inFlight }) => inFlight))];
  return depths
    .map((depth) => {
      const rows = figures.filter(({ inFlight }) => inFlight === depth);
      return [describeReference(rows, reference, depth), formatTable(rows), ...doubts(rows)].join('\n\n');
    })
    .join('\n\n\n');
}

function describeReference(rows: readonly Figures[], reference: string, depth: number): string {
  const { requestsPerSecond } = rows.find(({ name }) => name === reference)!;
  const { median, least, most } = requestsPerSecond;
  return `${depth} in flight: ratios to ${reference}, which did ${count(median)} requests/s (${count(least)} – ${count(most)})`;
}

function formatTable(rows: readonly Figures[]): string {
  const cells = [
    ['', ...HEADINGS],
    ...rows.map((row) => [
      row.name,
      factor(row.ratio.median),
      range(row.ratio),
      factor(row.ratioPerCpu.median),
      row.ratioToRival ? factor(row.ratioToRival.median) : '',
      percent(row.serverCpu),
      percent(row.generatorCpu),
    ]),
  ];
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join(' | ')} |`;
  const [headings, ...body] = cells;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(headings!), rule, ...body.map(line)].join('\n');
}

/** A server that was not busy could have done more. Who is to blame depends on whether the load generator was. */
function doubts(rows: readonly Figures[]): string[] {
  const idle = rows.filter(({ serverCpu }) => serverCpu < BUSY);
  const outrun = idle.filter(({ generatorCpu }) => generatorCpu >= BUSY);
  const disturbed = idle.filter(({ generatorCpu }) => generatorCpu < BUSY);
  return [
    ...(outrun.length > 0 ? [`WARNING: the load generator was too slow for ${names(outrun)}.`] : []),
    ...(disturbed.length > 0
      ? [`NOTE: something else took the core from ${names(disturbed)}; go by the figures per CPU second.`]
      : []),
  ];
}

function names(rows: readonly Figures[]): string {
  return rows.map(({ name }) => JSON.stringify(name)).join(', ');
}

function factor(value: number): string {
  return value.toFixed(2);
}

function range({ least, most }: Spread): string {
  return `${factor(least)} – ${factor(most)}`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}
