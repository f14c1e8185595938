import { NEST_EVENT, PLAIN, WEBWIRE_BINARY, WEBWIRE_TEXT, type Exchange } from './exchanges.js';

/** One server in one make-up. Each runs in a process of its own, so that none is compiled for the others' sake. */
export interface Contender {
  readonly name: string;
  /** File in `servers/`, without its extension. */
  readonly server: string;
  /** Which of the file's gateways to serve. */
  readonly gateway?: string;
  readonly exchange: Exchange;
  /** Name of the contender that does the same with Nest's own adapter. */
  readonly rival?: string;
}

/** What all others are measured against. */
export const REFERENCE: Contender = { name: 'raw ws', server: 'raw-ws', exchange: PLAIN };

const PLATFORM_WS: readonly Contender[] = [
  { name: 'platform-ws: plain', gateway: 'plain' },
  { name: 'platform-ws: guard + pipe', gateway: 'guarded' },
  { name: 'platform-ws: guard + pipe + interceptor', gateway: 'intercepted' },
].map((contender) => ({ ...contender, server: 'platform-ws', exchange: NEST_EVENT }));

const WEBWIRE: readonly Contender[] = [
  { name: 'webwire: direct', gateway: 'direct', rival: 'platform-ws: plain' },
  { name: 'webwire: direct, text', gateway: 'direct', exchange: WEBWIRE_TEXT, rival: 'platform-ws: plain' },
  { name: 'webwire: async', gateway: 'async', rival: 'platform-ws: plain' },
  { name: 'webwire: guard + pipe', gateway: 'guarded', rival: 'platform-ws: guard + pipe' },
  {
    name: 'webwire: guard + pipe + interceptor',
    gateway: 'intercepted',
    rival: 'platform-ws: guard + pipe + interceptor',
  },
].map((contender) => ({ exchange: WEBWIRE_BINARY, ...contender, server: 'webwire' }));

/** The reference, and the contenders whose name contains `only`. */
export function selectContenders(only: string): Contender[] {
  return [REFERENCE, ...[...WEBWIRE, ...PLATFORM_WS].filter(({ name }) => name.includes(only))];
}
