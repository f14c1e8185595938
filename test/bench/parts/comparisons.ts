import type { Cell, Column, Comparison } from '../cell.js';
import type { Options } from '../options.js';
import {
  PLATFORM_SOCKET_IO,
  PLATFORM_WS,
  RAW_WS,
  REQUEST_CONTENDERS,
  SIGNAL_CONTENDERS,
  WEBWIRE,
  WEBWIRE_STREAMS,
  BUN,
  beforeAndAfter,
  externalContenders,
  type Contender,
} from '../contenders.js';

/** Number of connections to a server under load. */
export const CONNECTIONS = 50;

/** Number of connections that receive news. */
export const READERS = 500;

/**
 * Requests per second for the measurement of round trips: well below the limit of the slowest server, and half of what plain
 * `ws` takes.
 */
const PACES = [5_000, 40_000] as const;

const RATIOS: readonly Column[] = ['rate', 'ratio', 'range', 'ratioPerCpu', 'rival', 'cpu'];

/** Request and reply, closed loop, at each of these depths. */
export function requests({ only, against: checkout, external }: Options): Comparison[] {
  const contenders = [...REQUEST_CONTENDERS, ...externalContenders(external)];
  return [1, 16].map((depth) => ({
    title: `Requests, ${depth} in flight on each of ${CONNECTIONS} connections`,
    columns: RATIOS,
    cells: select(contenders, only, checkout).map((contender) => ({
      ...reference(contender),
      load: { kind: 'requests', connections: CONNECTIONS, depth },
    })),
  }));
}

/** Messages without a reply. */
export function signals({ only, against: checkout }: Options): Comparison[] {
  return [
    {
      title: `Signals from ${CONNECTIONS} connections, as many as are taken`,
      columns: RATIOS,
      cells: select(SIGNAL_CONTENDERS, only, checkout).map((contender) => ({
        ...reference(contender),
        load: { kind: 'signals', connections: CONNECTIONS, depth: 2 },
      })),
    },
  ];
}

/** The same message to all connections. */
export function broadcast({ only, against: checkout }: Options): Comparison[] {
  const contenders = [...SIGNAL_CONTENDERS, { ...WEBWIRE, name: 'webwire, group', variant: 'group' }];
  return [1, 10].map((depth) => ({
    title: `To ${READERS} connections, ${depth} a tick`,
    columns: RATIOS,
    cells: select(contenders, only, checkout).map((contender) => ({
      ...reference(contender),
      load: { kind: 'news', connections: READERS, depth },
      newsPerGo: depth,
    })),
  }));
}

/** Round trips of servers that are not busy. */
export function latency({ only }: Options): Comparison[] {
  return PACES.map((rate) => {
    const others = rate === PACES[0] ? [PLATFORM_WS, PLATFORM_SOCKET_IO] : [];
    return {
      title: `Round trips at ${rate} requests a second`,
      columns: ['p50', 'p99', 'cpuPerMessage', 'cpu'],
      cells: select([RAW_WS, ...BUN, WEBWIRE, ...others], only).map((contender) => ({
        ...reference(contender),
        load: { kind: 'paced', connections: CONNECTIONS, depth: 1, rate },
      })),
    };
  });
}

/** Round trips while a further connection sends as much as possible. */
export function starvation({ only }: Options): Comparison[] {
  const cells = select([RAW_WS, ...BUN, WEBWIRE], only).flatMap((contender): Cell[] =>
    [false, true].map((isFlooded) => ({
      name: isFlooded ? `${contender.name}, beside a flood` : contender.name,
      contender,
      load: { kind: 'paced', connections: 10, depth: 1, rate: 500, isFlooded },
    })),
  );
  return [
    { title: 'Round trips beside a connection that sends as much as it can', columns: ['p50', 'p99', 'cpu'], cells },
  ];
}

/** Number of signals that a server sends for each `go`: that of the items which a client grants at once. */
const SIGNALS_PER_GO = 32;

/** Items of streams, compared with signals to the same number of connections. */
export function streams({ only }: Options): Comparison[] {
  const cell = (name: string, kind: 'pushes' | 'streams', connections: number, depth: number, base: string): Cell => ({
    name,
    contender: WEBWIRE_STREAMS,
    load: { kind, connections, depth },
    base,
    newsPerGo: SIGNALS_PER_GO,
  });
  const [toOne, toMany] = ['signals to one connection', 'signals to 100 connections'];
  const cells = [
    cell(toOne, 'pushes', 1, 1, toOne),
    cell('one stream', 'streams', 1, 1, toOne),
    cell('100 streams of one connection', 'streams', 1, 100, toOne),
    cell(toMany, 'pushes', 100, 1, toMany),
    cell('one stream of each of 100 connections', 'streams', 100, 1, toMany),
  ];
  const chosen = cells.filter(({ name }) => name.includes(only));
  return [
    {
      title: 'Items of streams, compared with signals',
      columns: ['rate', 'ratio', 'range', 'ratioPerCpu', 'cpuPerMessage', 'cpu'],
      cells: cells.filter(({ name }) => chosen.some((one) => one.name === name || one.base === name)),
    },
  ];
}

/** Cost of a message with more handlers, and with more connections. `ws` shows the part of the operating system. */
export function growth(): Comparison[] {
  const cell = (contender: Contender, variant: string, connections: number, unit: string): Cell => {
    const name = `${contender.name}, ${unit}`;
    return { name, contender: { ...contender, name, variant }, load: { kind: 'requests', connections, depth: 16 } };
  };
  return [
    {
      title: 'Cost of a message by the number of handlers, and of connections',
      columns: ['rate', 'cpuPerMessage', 'cpu'],
      cells: [
        ...[1, 10, 100, 500].map((count) => cell(WEBWIRE, String(count), CONNECTIONS, `${count} handlers`)),
        ...[10, 100, 1_000, 5_000].map((count) => cell(WEBWIRE, 'direct', count, `${count} connections`)),
        ...[10, 100, 1_000, 5_000].map((count) => cell(RAW_WS, 'naive', count, `${count} connections`)),
      ],
    },
  ];
}

function reference(contender: Contender): Omit<Cell, 'load'> {
  const { name, base = RAW_WS.name, rival } = contender;
  return { name, contender, base, rival };
}

/** Those whose name contains `only`, and what they are compared with: the same of another checkout, if one is given. */
function select(contenders: readonly Contender[], only: string, checkout?: string): Contender[] {
  const all = checkout === undefined ? contenders : beforeAndAfter(contenders, checkout);
  const chosen = all.filter(({ name }) => name.includes(only));
  const needed = new Set(chosen.flatMap(({ name, base = RAW_WS.name, rival }) => [name, base, rival]));
  return all.filter(({ name }) => needed.has(name));
}
