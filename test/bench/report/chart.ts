import type { Row, Table } from '../cell.js';
import type { Report } from './report.js';

/** The part of a table that the chart shows. */
interface Panel {
  readonly title: string;
  readonly table: Table;
}

/** Names of rows by the colour of their bars. */
const COLOURS: readonly (readonly [pattern: RegExp, colour: string])[] = [
  [/^webwire/, '#d6336c'],
  [/^platform-/, '#748ffc'],
  [/^Bun/, '#adb5bd'],
  [/^raw ws/, '#495057'],
];

const WIDTH = 830;
const NAME_WIDTH = 380;
const VALUE_WIDTH = 60;
const BAR_HEIGHT = 16;
const ROW_HEIGHT = 22;
const PANEL_GAP = 46;
const FOOTER_HEIGHT = 30;

/** Rows with larger payloads, which are only in the table. */
const LEFT_OUT = /KiB/;

/**
 * Draws the ratios of requests and broadcasts as bars.
 * @throws Error if the report has neither.
 */
export function drawChart(report: Report): string {
  const { requests = [], broadcast = [] } = report.tables;
  const panels: Panel[] = [
    ...requests.map((table) => ({ title: `${table.title}: × raw ws`, table })),
    ...broadcast.map((table) => ({ title: `${table.title}: × raw ws`, table })),
  ];
  if (panels.length === 0) throw new Error('the report has neither requests nor broadcasts');
  let top = 0;
  const drawn = panels.map(({ title, table }) => {
    const rows = table.rows.filter(({ name }) => !LEFT_OUT.test(name));
    const panel = drawPanel(title, rows, top + PANEL_GAP);
    top += PANEL_GAP + rows.length * ROW_HEIGHT;
    return panel;
  });
  const height = top + FOOTER_HEIGHT;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, sans-serif" font-size="13">`,
    `<title>Throughput as a multiple of raw ws</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    ...drawn,
    `<text x="12" y="${height - 10}" fill="#495057" font-size="11">${escape(footer(report))}</text>`,
    '</svg>',
    '',
  ].join('\n');
}

function drawPanel(title: string, rows: readonly Row[], top: number): string {
  const most = Math.max(...rows.map(ratioOf));
  const scale = (WIDTH - NAME_WIDTH - VALUE_WIDTH) / most;
  const bars = rows.map((row, index) => {
    const y = top + index * ROW_HEIGHT;
    const width = Math.max(1, ratioOf(row) * scale);
    const baseline = y + BAR_HEIGHT - 3;
    return [
      `<text x="${NAME_WIDTH - 8}" y="${baseline}" text-anchor="end" fill="#212529">${escape(row.name)}</text>`,
      `<rect x="${NAME_WIDTH}" y="${y}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}" rx="2" fill="${colourOf(row)}"/>`,
      `<text x="${(NAME_WIDTH + width + 6).toFixed(1)}" y="${baseline}" fill="#212529">${ratioOf(row).toFixed(2)}</text>`,
    ].join('\n');
  });
  return [`<text x="12" y="${top - 12}" font-weight="600" fill="#212529">${escape(title)}</text>`, ...bars].join('\n');
}

function ratioOf({ ratio }: Row): number {
  return ratio?.median ?? 1;
}

function colourOf({ name }: Row): string {
  return COLOURS.find(([pattern]) => pattern.test(name))?.[1] ?? '#868e96';
}

function footer({ date, machine, versions }: Report): string {
  return `${date.slice(0, 10)} · ${machine} · Node.js ${versions.node} · ws ${versions.ws} · Nest ${versions['@nestjs/core']}`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
