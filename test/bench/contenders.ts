import { spawnSync } from 'node:child_process';
import { nestEvents, plain, socketIo, webwire, webwireJson, webwireOrder, type Exchange } from './exchanges.js';

/** A server in one variant. Each runs in its own process, so that the engine optimises its code for it alone. */
export interface Contender {
  readonly name: string;
  /** File in `servers/`, without its extension. */
  readonly server: string;
  /** Variant of the server: the first argument of the file. */
  readonly variant?: string;
  /** Checkout whose built benchmark has the file, if not this one. */
  readonly checkout?: string;
  /** Program that runs the file, if not Node. */
  readonly runtime?: string;
  readonly exchange: Exchange;
  /** Name of the contender with which it is compared. Default: `RAW_WS`. */
  readonly base?: string;
  /** Name of the contender with the same gateway and Nest's own adapter. */
  readonly rival?: string;
}

/** The reference of all others: one `send` per reply. */
export const RAW_WS: Contender = { name: 'raw ws', server: 'raw-ws', variant: 'naive', exchange: plain(32) };

export const CORKED_WS: Contender = { ...RAW_WS, name: 'raw ws, corked', variant: 'corked' };

export const RAW_WS_1K: Contender = { ...RAW_WS, name: 'raw ws, 1 KiB', exchange: plain(1024) };

const onBun = { server: 'bun', runtime: findBun() ?? '' };

/** Bun's native server; absent where Bun is not installed. */
export const BUN: readonly Contender[] = onBun.runtime === '' ? [] : [{ name: 'Bun', ...onBun, exchange: plain(32) }];

/** WebWire on Bun, compared with Bun's native server. */
export const WEBWIRE_ON_BUN: readonly Contender[] = BUN.flatMap((bun) =>
  ['BunTransport', 'WsTransport'].map((transport) => ({
    name: `webwire, ${transport} on Bun`,
    server: 'webwire-on-bun',
    variant: transport === 'BunTransport' ? 'bun-transport' : 'ws-transport',
    runtime: bun.runtime,
    exchange: webwire(32),
    base: bun.name,
  })),
);

export const PLATFORM_WS: Contender = {
  name: 'platform-ws',
  server: 'platform-ws',
  variant: 'plain',
  exchange: nestEvents(32),
};

export const PLATFORM_SOCKET_IO: Contender = {
  name: 'platform-socket.io',
  server: 'platform-socket-io',
  variant: 'plain',
  exchange: socketIo(32),
};

export const WEBWIRE: Contender = {
  name: 'webwire',
  server: 'webwire',
  variant: 'direct',
  exchange: webwire(32),
  rival: PLATFORM_WS.name,
};

const WEBWIRE_UTF8: Contender = { ...WEBWIRE, name: 'webwire, utf8', exchange: webwire(32, 'utf8') };

/** A server of streams, and of signals for each connection. */
export const WEBWIRE_STREAMS: Contender = {
  ...WEBWIRE,
  name: 'webwire, streams',
  variant: 'streams',
  rival: undefined,
};

/** WebWire with an option that may cost something for each message, compared with WebWire without it. */
function withOption(option: string, variant: string): Contender {
  return { ...WEBWIRE, name: `webwire, ${option}`, variant, base: WEBWIRE.name, rival: undefined };
}

/** Servers that reply to requests. */
export const REQUEST_CONTENDERS: readonly Contender[] = [
  RAW_WS,
  CORKED_WS,
  ...BUN,
  ...WEBWIRE_ON_BUN,
  WEBWIRE,
  WEBWIRE_UTF8,
  { ...WEBWIRE, name: 'webwire, async', variant: 'async' },
  withOption('rateLimit', 'limited'),
  withOption('trustProxy, maxConnectionsPerAddress', 'addressed'),
  withOption('tracing channels', 'traced'),
  withOption('OpenTelemetry', 'instrumented'),
  withOption('global guard + pipe', 'global'),
  withOption('global guard + pipe, globalEnhancers: false', 'local'),
  { ...WEBWIRE, name: 'webwire, guard + pipe', variant: 'guarded', rival: 'platform-ws, guard + pipe' },
  {
    ...WEBWIRE,
    name: 'webwire, guard + pipe + interceptor',
    variant: 'intercepted',
    rival: 'platform-ws, guard + pipe + interceptor',
  },
  {
    ...WEBWIRE,
    name: 'webwire, guard + pipe, utf8',
    variant: 'guarded',
    exchange: WEBWIRE_UTF8.exchange,
    rival: 'platform-ws, guard + pipe',
  },
  { ...WEBWIRE, name: 'webwire, JSON', variant: 'json', exchange: webwireJson() },
  { name: 'webwire, JSON + ValidationPipe', server: 'webwire-orders', variant: 'piped', exchange: webwireOrder() },
  { name: 'webwire, JSON + schema', server: 'webwire-orders', variant: 'contract', exchange: webwireOrder() },
  PLATFORM_WS,
  { ...PLATFORM_WS, name: 'platform-ws, guard + pipe', variant: 'guarded' },
  { ...PLATFORM_WS, name: 'platform-ws, guard + pipe + interceptor', variant: 'intercepted' },
  PLATFORM_SOCKET_IO,
  RAW_WS_1K,
  { ...WEBWIRE, name: 'webwire, 1 KiB', exchange: webwire(1024), base: RAW_WS_1K.name, rival: undefined },
];

/** Servers that receive messages without a reply, or send to all clients. */
export const SIGNAL_CONTENDERS: readonly Contender[] = [
  RAW_WS,
  ...BUN,
  ...WEBWIRE_ON_BUN,
  WEBWIRE,
  PLATFORM_WS,
  PLATFORM_SOCKET_IO,
];

/** A WebWire server that is not part of the benchmark. */
export interface ExternalServer {
  readonly name: string;
  /** Program and arguments, with spaces between them. `{port}` stands for the port to listen on. */
  readonly command: string;
}

/** Servers that reply to requests of bytes and of text. */
export function externalContenders(servers: readonly ExternalServer[]): Contender[] {
  return servers.flatMap(({ name, command }) => {
    // With a runtime, no profile is written: it would be that of the process that starts the command.
    const contender = { server: 'external', variant: command, runtime: process.execPath };
    return [
      { ...contender, name, exchange: WEBWIRE.exchange },
      { ...contender, name: `${name}, utf8`, exchange: WEBWIRE_UTF8.exchange },
    ];
  });
}

/** The WebWire contenders, each compared with itself in another checkout. */
export function beforeAndAfter(contenders: readonly Contender[], checkout: string): Contender[] {
  return contenders
    .filter(({ server }) => server === WEBWIRE.server)
    .flatMap((after) => {
      const before = { ...after, name: `${after.name}, before`, checkout, base: undefined, rival: undefined };
      return [before, { ...after, base: before.name, rival: undefined }];
    });
}

/** Path of Bun. Its package is no dependency of the project, as it takes 100 MB. */
function findBun(): string | undefined {
  return ['node_modules/.bin/bun', 'bun'].find((command) => spawnSync(command, ['--version']).status === 0);
}
