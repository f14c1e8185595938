import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { messageWindow } from '../../lib/server/extensions/message-window.js';
import { resolveServerOptions } from '../../lib/server/server-options.js';
import { Document } from './documents.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The types that an entry point exports. */
class EntryPoint {
  readonly #checker: ts.TypeChecker;
  readonly #exports: Map<string, ts.Symbol>;

  constructor(path: string) {
    const options: ts.CompilerOptions = {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      strict: true,
      types: ['node'],
    };
    const program = ts.createProgram([ROOT + path], options);
    this.#checker = program.getTypeChecker();
    const module = this.#checker.getSymbolAtLocation(program.getSourceFile(ROOT + path)!)!;
    this.#exports = new Map(this.#checker.getExportsOfModule(module).map((symbol) => [symbol.name, symbol]));
  }

  #typeOf(name: string): ts.Type {
    const symbol = this.#exports.get(name);
    if (!symbol) throw new Error(`there is no type ${name}`);
    const original = symbol.flags & ts.SymbolFlags.Alias ? this.#checker.getAliasedSymbol(symbol) : symbol;
    return this.#checker.getDeclaredTypeOfSymbol(original);
  }

  /** The members of an interface, without those that are internal. */
  membersOf(name: string): string[] {
    const isPublic = (symbol: ts.Symbol) => !symbol.getJsDocTags().some((tag) => tag.name === 'internal');
    return this.#checker
      .getPropertiesOfType(this.#typeOf(name))
      .filter(isPublic)
      .map((symbol) => symbol.name);
  }

  /** The literals of a union. */
  literalsOf(name: string): string[] {
    const type = this.#typeOf(name);
    return (type.isUnion() ? type.types : [type]).map((literal) => (literal as ts.StringLiteralType).value);
  }
}

const server = new EntryPoint('lib/index.ts');
const client = new EntryPoint('lib/client/index.ts');
const redis = new EntryPoint('lib/redis/index.ts');

/** The texts in backquotes in the first `columns` columns of the tables of a page. */
function namesIn(page: string, columns = 1): Set<string> {
  const rows = new Document(page).text.split('\n').filter((line) => line.startsWith('|'));
  const cells = rows.flatMap((row) => row.split(' | ').slice(0, columns));
  return new Set(cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)));
}

/** All that a pattern finds in the sources of rooms. */
function findInSources(rooms: readonly string[], pattern: RegExp): string[] {
  const files = rooms.flatMap((room) =>
    readdirSync(`${ROOT}lib/${room}`, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => posix.join('lib', room, file)),
  );
  const found = files.flatMap((file) => [...readFileSync(ROOT + file, 'utf8').matchAll(pattern)]);
  return [...new Set(found.map(([, name]) => name!))];
}

describe('the reference has all', () => {
  it.each([
    ['options of servers', 'docs/options.md', server.membersOf('WebwireModuleOptions')],
    ['options of gateways', 'docs/options.md', server.membersOf('WebwireGatewayOptions')],
    ['options of sessions', 'docs/sessions.md', server.membersOf('SessionOptions')],
    ['options of clients', 'docs/client.md', client.membersOf('WebwireClientOptions')],
    ['options of RedisCluster', 'docs/redis.md', redis.membersOf('RedisClusterOptions')],
    ['events of servers', 'docs/observability.md', server.membersOf('WebwireServerEvents')],
    ['events of clients', 'docs/client-connection.md', client.membersOf('ClientEvents')],
    ['codes of violations', 'docs/PROTOCOL.md', server.literalsOf('ProtocolErrorCode')],
    ['codes of session errors', 'docs/errors.md', server.literalsOf('SessionErrorCode')],
    ['codes of replies', 'docs/errors.md', findInSources(['server', 'nest'], /new RequestError\('([A-Z_]+)'/g)],
    ['codes of errors of clients', 'docs/errors.md', findInSources(['client'], /CodedError<'([A-Z_]+)'>/g)],
  ])('%s: %s', (_, page, names) => {
    expect(names).not.toEqual([]);
    const documented = namesIn(page, 2);
    expect(names.filter((name) => !documented.has(name))).toEqual([]);
  });

  it('reasons for which connections end', () => {
    const documented = namesIn('docs/connections.md', 2);
    expect(server.literalsOf('DisconnectReason').filter((reason) => !documented.has(reason))).toEqual([]);
  });

  it('close codes', () => {
    const used = [
      ...findInSources(['server'], /\bcode: (1\d{3})\b/g),
      ...findInSources(['protocol'], /\breturn (1\d{3});/g),
    ];
    const rows = new Document('docs/connections.md').text.matchAll(/^\| +(\d{4}) \|/gm);
    const documented = new Set([...rows].map(([, code]) => code));
    expect(used.toSorted().filter((code) => !documented.has(code))).toEqual([]);
  });
});

describe('the reference has nothing else', () => {
  it('among the options of servers', () => {
    const options = new Set([
      ...server.membersOf('WebwireModuleOptions'),
      ...server.membersOf('WebwireGatewayOptions'),
    ]);
    const rows = [...new Document('docs/options.md').text.matchAll(/^\| `(\w+)` +\|/gm)].map(([, name]) => name!);
    expect(rows.filter((name) => !options.has(name))).toEqual([]);
  });
});

describe('the memory of a connection in docs/limits.md', () => {
  const { text } = new Document('docs/limits.md');

  it('is at most what the default options allow', () => {
    const { messageBufferSize, maxBufferedAmount, maxStreams } = resolveServerOptions({});
    const bytes = [
      2 * messageBufferSize,
      16 * messageBufferSize + 65_536,
      2 * messageWindow({ messageBufferSize, maxBufferedAmount }),
      maxBufferedAmount + maxStreams * messageBufferSize,
      maxBufferedAmount,
      maxBufferedAmount,
    ];
    const rows = text.split('\n').filter((line) => /^\| .* KiB +\|$/.test(line));
    expect(rows.map((row) => row.split('|')[3]!.trim())).toEqual(bytes.map((size) => `${size / 1_024} KiB`));
  });

  it('of an idle one is that of the benchmark', () => {
    const { idle } = JSON.parse(readFileSync(`${ROOT}test/bench/results/latest.json`, 'utf8')) as {
      idle: { figures: { name: string; bytes: number }[] };
    };
    const { bytes } = idle.figures.find(({ name }) => name === 'webwire, 1 handler')!;
    expect(text).toMatch(new RegExp(`idle .* ${(bytes / 1_000).toFixed(1)} kB,`));
  });
});
