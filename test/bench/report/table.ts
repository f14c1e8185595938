import type { Column, Row, Spread, Table } from '../cell.js';
import type { CodecFigures } from '../parts/codec.js';
import type { IdleFigures } from '../parts/memory.js';
import type { StalledFigures } from '../parts/stalled-streams.js';

/** CPU share from which a process counts as busy. */
const BUSY = 0.9;

const COLUMNS: Readonly<Record<Column, readonly [heading: string, show: (row: Row) => string]>> = {
  rate: ['per second', ({ rate }) => count(rate.median)],
  ratio: ['ratio', ({ ratio }) => optional(ratio, ({ median }) => factor(median))],
  range: ['range', ({ ratio }) => optional(ratio, ({ least, most }) => `${factor(least)} – ${factor(most)}`)],
  ratioPerCpu: ['per CPU second', ({ ratioPerCpu }) => optional(ratioPerCpu, ({ median }) => factor(median))],
  rival: ['× platform-ws', ({ ratioToRival }) => optional(ratioToRival, ({ median }) => factor(median))],
  cpuPerMessage: ['CPU µs a message', ({ cpuPerMessage }) => cpuPerMessage.median.toFixed(2)],
  p50: ['p50 ms', ({ p50 }) => optional(p50, ({ median }) => median.toFixed(3))],
  p99: ['p99 ms', ({ p99 }) => optional(p99, ({ median }) => median.toFixed(3))],
  cpu: ['CPU server · generator', ({ serverCpu, generatorCpu }) => `${percent(serverCpu)} · ${percent(generatorCpu)}`],
};

/** Formats a comparison as a Markdown table, with notes about unreliable figures. */
export function formatTable({ title, columns, rows }: Table): string {
  const shown = columns.map((column) => COLUMNS[column]);
  const cells = [
    ['', ...shown.map(([heading]) => heading)],
    ...rows.map((row) => [row.name, ...shown.map(([, show]) => show(row))]),
  ];
  return [title, formatCells(cells), ...(columns.includes('ratio') ? doubts(rows) : [])].join('\n\n');
}

export function formatIdle(figures: readonly IdleFigures[], connections: number): string {
  const cells = [
    ['', 'bytes', 'ratio', 'set up per CPU second'],
    ...figures.map(({ name, bytes, ratio, setUpRate }) => [name, count(bytes), factor(ratio), count(setUpRate)]),
  ];
  return [`Idle connections, ${connections} of them`, formatCells(cells)].join('\n\n');
}

export function formatStalled(figures: readonly StalledFigures[], streams: number): string {
  const cells = [
    ['', 'bytes a stream', 'a second later'],
    ...figures.map(({ name, bytes, later }) => [name, count(bytes), count(later)]),
  ];
  return [`Memory of ${streams} streams whose clients do not take the items`, formatCells(cells)].join('\n\n');
}

export function formatCodec(figures: readonly CodecFigures[]): string {
  const cells = [['', 'ns'], ...figures.map(({ name, nanoseconds }) => [name, count(nanoseconds)])];
  return ['The codec alone', formatCells(cells)].join('\n\n');
}

function formatCells(cells: readonly (readonly string[])[]): string {
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join(' | ')} |`;
  const [headings, ...body] = cells;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(headings!), rule, ...body.map(line)].join('\n');
}

/** Notes about servers that were not busy: the load generator was the bottleneck, or the load was too low. */
function doubts(rows: readonly Row[]): string[] {
  const idle = rows.filter(({ serverCpu }) => serverCpu < BUSY);
  const outrun = idle.filter(({ generatorCpu }) => generatorCpu >= BUSY);
  const disturbed = idle.filter(({ generatorCpu }) => generatorCpu < BUSY);
  return [
    ...(outrun.length > 0
      ? [`WARNING: the load generator was too slow for ${names(outrun)}; go by the figures per CPU second.`]
      : []),
    ...(disturbed.length > 0
      ? [`NOTE: the core of ${names(disturbed)} was not busy all the time; go by the figures per CPU second.`]
      : []),
  ];
}

function names(rows: readonly Row[]): string {
  return rows.map(({ name }) => JSON.stringify(name)).join(', ');
}

function optional(spread: Spread | undefined, show: (spread: Spread) => string): string {
  return spread ? show(spread) : '';
}

function factor(value: number): string {
  return value.toFixed(2);
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}
