import { describe, expect, it } from 'vitest';
import { resolveOptions as resolveClientOptions } from '../../lib/client/client-options.js';
import { resolveRedisClusterOptions } from '../../lib/redis/redis-cluster-options.js';
import { resolveServerOptions } from '../../lib/server/server-options.js';
import { Document, readDocuments } from './documents.js';

const server = resolveServerOptions({});
const client = resolveClientOptions('ws://localhost', {});

/** A value as a table of defaults has it, in the unit of the option. */
function shown(value: unknown, unit = ''): string {
  if (value === 2 ** 20) return '1 MiB';
  if (typeof value !== 'number') return String(value);
  const digits = value === Infinity ? '`Infinity`' : value.toLocaleString('en').replaceAll(',', ' ');
  return value === Infinity ? digits : `${digits}${unit}`;
}

/** The second cells of the table rows whose first cell is a name in backquotes. */
function defaultsOn(page: string): Record<string, string> {
  const rows = new Document(page).text.matchAll(/^\| `(\w+)` +\| (.*?) +\|/gm);
  return Object.fromEntries([...rows].map(([, name, cell]) => [name!, cell!]));
}

describe('the defaults of', () => {
  it.each([
    ['readTimeout', server.readTimeout, ' ms'],
    ['messageBufferSize', server.messageBufferSize, ' bytes'],
    ['concurrencyLimit', server.concurrencyLimit],
    ['maxStreams', server.maxStreams],
    ['maxConnections', server.maxConnections],
    ['maxConnectionsPerAddress', server.maxConnectionsPerAddress],
    ['maxBufferedAmount', server.maxBufferedAmount],
    ['handshakeTimeout', server.handshakeTimeout, ' ms'],
    ['shutdownTimeout', server.shutdownTimeout, ' ms'],
    ['extensions', `\`${server.extensions}\``],
    ['trustProxy', `\`${String(server.trustProxy)}\``],
    ['path', `\`${server.path}\``],
  ])('servers: %s', (name, value, unit = '') => {
    expect(defaultsOn('docs/options.md')[name]).toBe(shown(value, unit));
  });

  it.each([
    ['requestTimeout', client.requestTimeout, ' ms'],
    ['livenessTimeout', client.livenessTimeout, ' ms'],
    ['dialTimeout', client.dialTimeout, ' ms'],
    ['maxQueuedRequests', client.maxQueuedRequests],
    ['extensions', `\`${client.extensions}\``],
    ['reconnect', `\`${client.reconnect}\``],
    ['syncTabs', `\`${client.syncTabs}\``],
  ])('clients: %s', (name, value, unit = '') => {
    expect(defaultsOn('docs/client.md')[name]).toBe(shown(value, unit));
  });

  it('delays before reconnecting', () => {
    const { minDelay, maxDelay, factor, jitter } = client.backoff;
    const max = maxDelay.toLocaleString('en').replaceAll(',', '_');
    const text = `{ minDelay: ${minDelay}, maxDelay: ${max}, factor: ${factor}, jitter: ${jitter} }`;
    expect(new Document('docs/client.md').text).toContain(text);
  });

  it.each([
    ['nodeTimeout', ' ms'],
    ['commandTimeout', ' ms'],
    ['maxWaitingSignals', ''],
  ] as const)('RedisCluster: %s', (name, unit) => {
    const options = resolveRedisClusterOptions({ url: 'redis://localhost' });
    expect(defaultsOn('docs/redis.md')[name]).toBe(shown(options[name], unit));
  });

  it('AcceptConf in docs/PROTOCOL.md', () => {
    const { text } = new Document('docs/PROTOCOL.md');
    for (const [content, value] of [
      ['read timeout', server.readTimeout],
      ['message buffer size', server.messageBufferSize],
    ] as const) {
      const [, cell] = new RegExp(`^\\|.*\\| ${content}.*\\| (.*?) +\\|$`, 'm').exec(text)!;
      expect(cell).toBe(shown(value));
    }
    expect(text).toContain(`the default is ${shown(server.messageBufferSize)}.`);
  });
});

describe('numbers that follow from defaults', () => {
  it('all that a connection may hold is the sum of its limits in docs/limits.md', () => {
    const { text } = new Document('docs/limits.md');
    const sizes = [...text.matchAll(/^\| (.*?) +\|.*\| +(\d+) KiB \|$/gm)].map(
      ([, what, size]) => [what!, Number(size)] as const,
    );
    // A client has extensions or has none.
    const most = sizes
      .filter(([what]) => !what.includes('without [extensions]'))
      .reduce((sum, [, size]) => sum + size, 0);
    expect(text).toContain(`some ${(most / 1_024).toFixed(1)} MiB`);
  });

  it('the time of a proxy in docs/deployment.md is that of clients', () => {
    const [, time] = /^\| all attempts of the proxy < `dialTimeout`.*< (\d+) s +\|$/m.exec(
      new Document('docs/deployment.md').text,
    )!;
    expect(Number(time) * 1_000).toBe(client.dialTimeout);
  });
});

it('the default of messageBufferSize stands on the pages of the options and of the protocol only', () => {
  const number = new RegExp(shown(server.messageBufferSize).replace(' ', '[ _]?'));
  const others = [...readDocuments().values()].filter(({ path, text }) => {
    // What programs print is compared when they run.
    const prose = text.replaceAll(/^ *```[^]*?^ *```$/gm, '');
    return path.startsWith('docs/') && number.test(prose);
  });
  expect(others.map(({ path }) => path).sort()).toEqual(['docs/PROTOCOL.md', 'docs/options.md']);
});
