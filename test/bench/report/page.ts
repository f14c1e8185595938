import type { Row, Spread, Table } from '../cell.js';
import type { Report } from './report.js';

const BEGIN = '<!-- figures: written by .bench/chart.js -->';
const END = '<!-- /figures -->';

/** Rows of the requests to show, and their titles. */
const SHOWN: readonly (readonly [name: string, title: string])[] = [
  ['webwire', 'nestjs-webwire: a handler, bytes'],
  ['webwire, utf8', 'text'],
  ['webwire, JSON', 'an object in JSON, with `jsonCodec`'],
  ['webwire, async', 'an `async` handler'],
  ['webwire, guard + pipe', 'with a guard and a pipe'],
  ['webwire, guard + pipe, utf8', 'with a guard and a pipe, text'],
  ['webwire, guard + pipe + interceptor', 'and an interceptor'],
  ['webwire, JSON + ValidationPipe', 'an order in JSON, with a `ValidationPipe`'],
  ['webwire, JSON + schema', 'the same, with the schemas of a contract (body and reply)'],
  ['platform-ws', '`@nestjs/platform-ws`: a handler'],
  ['platform-ws, guard + pipe', 'with a guard and a pipe'],
  ['platform-ws, guard + pipe + interceptor', 'and an interceptor'],
  ['platform-socket.io', '`@nestjs/platform-socket.io`: a handler'],
  ['raw ws, corked', '`ws`, one write a tick'],
  ['webwire-go, fasthttp', 'webwire-go with fasthttp, bytes'],
  ['webwire-go, fasthttp, utf8', 'the same, text'],
  ['webwire-go, gorilla', 'webwire-go with gorilla, bytes'],
  ['Bun', 'Bun’s native server'],
];

/**
 * Replaces the figures of a page by those of a run.
 * @throws Error if there is no place for them, or the report lacks some.
 */
export function putFigures(page: string, report: Report): string {
  const [before, rest] = page.split(BEGIN);
  const [, after] = rest?.split(END) ?? [];
  if (after === undefined) throw new Error(`the page has no place for figures, between ${BEGIN} and ${END}`);
  return `${before}${BEGIN}\n\n${describe(report)}\n\n${END}${after}`;
}

function describe(report: Report): string {
  const { requests, broadcast, latency, starvation } = report.tables;
  if (!requests || !broadcast || !latency || !starvation || !report.idle || !report.codec) {
    throw new Error('the report lacks parts: run them all');
  }
  const [one, many] = requests as [Table, Table];
  const rows = SHOWN.flatMap(([name, title]) => {
    const [single, batch] = [find(one, name), find(many, name)];
    return single && batch ? [`| ${title} | ${ratio(single)} | ${ratio(batch)} |`] : [];
  });
  const { figures, connections } = report.idle;
  const idle = figures.find(({ name }) => name === 'webwire, 100 handlers')!;
  const [single, batch] = broadcast.map((table) => find(table, 'webwire')!);
  const [timely] = latency as [Table];
  const [flooded] = starvation as [Table];
  const [decode] = report.codec;
  const items = report.tables.streams?.[0];
  return [
    'Requests a second as a multiple of what plain `ws` does: 32 bytes echoed to 50 connections, with one request in flight on each or 16, median and range of ' +
      `${report.rounds} rounds, bold where at least three quarters of the rounds are ahead:`,
    ['|  | 1 in flight | 16 in flight |', '| --- | ---: | ---: |', ...rows].join('\n'),
    [
      `- A signal to 500 connections: ${ratio(single!)} × \`ws\` with one a tick, ${ratio(batch!)} × with ten.`,
      `- An idle connection, one of ${connections.toLocaleString('en')}: ${times(idle.ratio)} × the memory of one of \`ws\`, with one handler or a hundred.`,
      `- A round trip where there is time enough: ${milliseconds(find(timely, 'webwire')!.p50)} (\`ws\`: ${milliseconds(find(timely, 'raw ws')!.p50)}); ` +
        `beside a connection that sends as much as it can: ${milliseconds(find(flooded, 'webwire, beside a flood')!.p50)} (\`ws\`: ${milliseconds(find(flooded, 'raw ws, beside a flood')!.p50)}).`,
      ...(items
        ? [
            `- Items of a stream: ${ratio(find(items, 'one stream')!)} × signals; of 100 streams on as many connections: ` +
              `${ratio(find(items, 'one stream of each of 100 connections')!)} ×.`,
          ]
        : []),
      `- The codec alone: ${Math.round(decode!.nanoseconds)} ns to ${decode!.name}.`,
    ].join('\n'),
    `Measured on ${report.date.slice(0, 10)} with Node.js ${report.versions.node}, \`ws\` ${report.versions.ws}, Nest ${report.versions['@nestjs/core']}` +
      `${report.versions.bun ? ` and Bun ${report.versions.bun}` : ''}, on ${report.machine}.`,
  ].join('\n\n');
}

function find({ rows }: Table, name: string): Row | undefined {
  return rows.find((row) => row.name === name);
}

/** Bold if the server is ahead: by the median, and in three quarters of the rounds. */
function ratio({ ratio: spread }: Row): string {
  if (!spread) return '1';
  const median = times(spread.median);
  const isAhead = spread.median > 1 && spread.lowerQuartile > 1;
  return `${isAhead ? `**${median}**` : median} (${times(spread.least)} – ${times(spread.most)})`;
}

function times(value: number): string {
  return value.toFixed(value < 10 ? 2 : 1);
}

function milliseconds(spread: Spread | undefined): string {
  return `${(spread?.median ?? 0).toFixed(2)} ms`;
}
