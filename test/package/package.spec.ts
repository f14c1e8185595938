import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { posix } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { publint } from 'publint';
import { beforeAll, describe, expect, it } from 'vitest';
import type ts from 'typescript';
import { Document } from '../docs/documents.js';
import { bundle } from './bundle.js';
import { installed, PackedPackage, runTool } from './packed-package.js';
import { Declarations } from './surface.js';

const TABLE = fileURLToPath(new URL('../../docs/bundle-sizes.md', import.meta.url));

/** All exports of the package. Each change of this list is a change for users, and belongs in the changelog. */
const SURFACE: Record<string, { values: string[]; types: string[] }> = {
  '.': {
    values: [
      'BufferOverflowError',
      'ClusterUnavailableError',
      'FileSessionManager',
      'Handshake',
      'HandshakeRejection',
      'InjectWebwireServer',
      'InvalidOptionError',
      'MemorySessionManager',
      'MemoryTransport',
      'Message',
      'Payload',
      'ProtocolError',
      'RandomSessionKeyGenerator',
      'RequestError',
      'Session',
      'SessionError',
      'SessionKeyGenerator',
      'SessionManager',
      'UseHandshakeGuards',
      'WebwireAdapter',
      'WebwireConnection',
      'WebwireEmits',
      'WebwireGateway',
      'WebwireMessage',
      'WebwireModule',
      'WebwireRequest',
      'WebwireServer',
      'WebwireService',
      'WebwireSignal',
      'WebwireStream',
      'WsTransport',
      'jsonCodec',
      'plainCodec',
    ],
    types: [
      'BroadcastOptions',
      'CloseOptions',
      'Cluster',
      'ClusterHealth',
      'ClusterNode',
      'ClusterPresence',
      'ClusterTarget',
      'ConnectionRequest',
      'DescribedType',
      'DisconnectReason',
      'FileSessionManagerOptions',
      'GroupChange',
      'GroupCount',
      'GroupEntry',
      'GroupMember',
      'GroupMemberEvent',
      'JoinOptions',
      'JsonSchema',
      'JsonValue',
      'ListenTarget',
      'Listener',
      'MembershipRequest',
      'MembershipResult',
      'MemoryCloseEvent',
      'MemoryConnectOptions',
      'MemoryErrorEvent',
      'MemoryMessageEvent',
      'MemorySessionManagerOptions',
      'MemoryWebSocket',
      'MemoryWebSocketConstructor',
      'MemoryWebSocketEvents',
      'MessageOutcome',
      'MessageTracing',
      'NestLocator',
      'Origins',
      'PayloadCodec',
      'PayloadEncoding',
      'ProtocolErrorCode',
      'ProviderOf',
      'RateLimit',
      'RequestDescription',
      'ResolvedServerOptions',
      'ServerLogger',
      'ServerOptions',
      'SessionClosing',
      'SessionConnection',
      'SessionErrorCode',
      'SessionInfo',
      'SessionMembership',
      'SessionOptions',
      'SessionRecord',
      'SignalDescription',
      'SignalGroupOptions',
      'StreamDescription',
      'TraceContext',
      'Transport',
      'TransportConnection',
      'TransportHandlers',
      'TrustProxy',
      'WebwireGatewayOptions',
      'WebwireGatewayOverrides',
      'WebwireHandlerOptions',
      'WebwireModuleOptions',
      'WebwireOptionsFactory',
      'WebwireRequestOptions',
      'WebwireServerEvents',
      'WebwireServiceEvents',
      'WebwireSignalOptions',
      'WebwireStreamOptions',
      'WsTransportOptions',
    ],
  },
  './client': {
    values: [
      'BufferOverflowError',
      'CanceledError',
      'ContractError',
      'DeadlineExceededError',
      'DialTimeoutError',
      'DisconnectedError',
      'IncompatibleProtocolVersionError',
      'InternalServerError',
      'InvalidOptionError',
      'MaxSessionConnectionsReachedError',
      'Payload',
      'ProtocolError',
      'QueueFullError',
      'RequestError',
      'ServerShutdownError',
      'SessionNotFoundError',
      'SessionsDisabledError',
      'SubProtocolMismatchError',
      'TimeoutError',
      'WebwireClient',
      'isTimeout',
      'jsonCodec',
      'plainCodec',
    ],
    types: [
      'AbortSignalLike',
      'AnyContract',
      'ClientEvents',
      'ClientHeaders',
      'ClientOptions',
      'ClientSession',
      'ClientSessionInfo',
      'ClientSnapshot',
      'ClientStatus',
      'ClientUrl',
      'ConnectOptions',
      'Contract',
      'ContractOptions',
      'Fresh',
      'OperationOptions',
      'PayloadCodec',
      'PayloadEncoding',
      'ProtocolErrorCloseCode',
      'ProtocolErrorCode',
      'ReceivedPayload',
      'ReconnectOptions',
      'Reply',
      'RequestArguments',
      'RequestName',
      'ServerSignalName',
      'SessionClosedReason',
      'SignalArguments',
      'SignalName',
      'SignalPayload',
      'SignalsOptions',
      'StorageLike',
      'StreamArguments',
      'StreamItem',
      'StreamName',
      'StreamOptions',
      'TraceContext',
      'TracedMessage',
      'WebSocketConstructor',
      'WebSocketLike',
      'WebwireClientOptions',
    ],
  },
  './react': {
    values: ['useSignal', 'useStream', 'useWebwire'],
    types: ['StreamState', 'UseStreamOptions', 'UseWebwireOptions'],
  },
  './contract': {
    values: ['ContractError', 'defineContract'],
    types: [
      'ApiOf',
      'BodyInput',
      'BodyOutput',
      'ClientContract',
      'ContractApi',
      'ContractEntry',
      'DefinedContract',
      'EntryDetails',
      'EntryErrors',
      'ErrorCode',
      'HandlerEntry',
      'OptionalSchema',
      'RequestEntries',
      'RequestEntry',
      'RequestSpec',
      'ResultInput',
      'ResultOutput',
      'SchemaInput',
      'SchemaIssue',
      'SchemaOutput',
      'SchemaResult',
      'SendArguments',
      'ServerSignalEntries',
      'ServerSignalEntry',
      'SignalEntries',
      'SignalEntry',
      'SignalSpec',
      'StandardSchema',
      'StreamEntries',
      'StreamEntry',
      'StreamSpec',
    ],
  },
  './document': {
    values: ['createWebwireDocument'],
    types: [
      'AsyncApiChannel',
      'AsyncApiDocument',
      'AsyncApiMessage',
      'AsyncApiOperation',
      'AsyncApiServer',
      'JsonSchema',
      'Reference',
      'WebwireDocumentOptions',
      'WebwireExtension',
    ],
  },
  './client-module': {
    values: ['InjectWebwireClient', 'WebwireClientModule', 'getWebwireClientToken'],
    types: [
      'WebwireClientAsyncRegistration',
      'WebwireClientModuleOptions',
      'WebwireClientOptionsFactory',
      'WebwireClientRegistration',
      'WebwireClientRegistrations',
    ],
  },
  './testing': {
    values: ['createTestClient', 'recordedFrames'],
    types: ['TestClientOptions', 'TestClientQuery'],
  },
  './protocol': {
    values: [
      'DEFAULT_MESSAGE_BUFFER_SIZE',
      'DEFAULT_READ_TIMEOUT',
      'IDENTIFIER_LENGTH',
      'MAX_ERROR_CODE_LENGTH',
      'MAX_NAME_LENGTH',
      'MAX_TEXT_FIELD_LENGTH',
      'MAX_UINT32',
      'MIN_MESSAGE_BUFFER_SIZE',
      'MessageType',
      'PROTOCOL_MAJOR_VERSION',
      'PROTOCOL_MINOR_VERSION',
      'Payload',
      'ProtocolError',
      'decodeMessage',
      'encodeMessage',
      'encodeMessageInto',
      'encodedLength',
      'encodingOf',
      'replyType',
      'requestType',
      'signalType',
    ],
    types: [
      'AcceptConfMessage',
      'ClientMessage',
      'CloseSessionMessage',
      'EncodableMessage',
      'HeartbeatMessage',
      'PayloadEncoding',
      'ProtocolErrorCloseCode',
      'ProtocolErrorCode',
      'ProtocolMessage',
      'ReplyErrorMessage',
      'ReplyMessage',
      'ReplyType',
      'RequestMessage',
      'RequestType',
      'RestoreSessionMessage',
      'ServerMessage',
      'SessionClosedMessage',
      'SessionCreatedMessage',
      'SignalMessage',
      'SignalType',
      'StatusReplyMessage',
      'StatusReplyType',
    ],
  },
  './opentelemetry': {
    values: ['WebwireInstrumentation', 'activeTraceContext'],
    types: ['WebwireInstrumentationConfig'],
  },
  './terminus': {
    values: ['WebwireHealthIndicator'],
    types: [],
  },
  './bun': {
    values: ['BunTransport'],
    types: [],
  },
  './redis': {
    values: ['RedisCluster', 'RedisSessionManager', 'RedisUnavailableError', 'WebwireEmitter'],
    types: [
      'EmitterBroadcastOptions',
      'EmitterSignalOptions',
      'RedisArgument',
      'RedisClient',
      'RedisClusterEvents',
      'RedisClusterHealth',
      'RedisClusterOptions',
      'RedisOptions',
      'RedisSessionManagerOptions',
      'WebwireEmitterOptions',
    ],
  },
};

const ENTRY_POINTS = Object.keys(SURFACE);

/** The specifier of an entry point. */
function specifierOf(entryPoint: string): string {
  return posix.join('nestjs-webwire', entryPoint);
}

let packed: PackedPackage;

beforeAll(async () => {
  packed = await PackedPackage.create();
  return () => packed.dispose();
}, 120_000);

describe('the tarball', { timeout: 180_000 }, () => {
  it('contains only the build, its sources and documents for users', async () => {
    const built = packed.sources.flatMap((source) => {
      const name = source.replace(/\.ts$/, '');
      return ['.js', '.js.map', '.d.ts', '.d.ts.map'].map((extension) => `dist/${name}${extension}`);
    });
    const sources = packed.sources.map((source) => `lib/${source}`);
    const entries = await readdir(fileURLToPath(new URL('../../docs', import.meta.url)), { withFileTypes: true });
    const pages = entries.filter((entry) => entry.isFile()).map(({ name }) => `docs/${name}`);
    const documents = ['CHANGELOG.md', 'LICENSE', 'README.md', ...pages, 'lib/redis/STATES.md'];
    expect(packed.files).toEqual([...built, ...sources, ...documents, 'package.json'].sort());
  });

  it('holds the files to which its documents link', () => {
    const documents = packed.files.filter((file) => file.endsWith('.md')).map((file) => new Document(file));
    const missing = documents.flatMap(({ path, links }) =>
      links
        .filter(({ target }) => !/^([a-z]+:|#)/.test(target))
        .filter(({ target }) => !packed.files.includes(posix.join(posix.dirname(path), target.split('#')[0]!)))
        .map(({ line, target }) => `${path}:${line} ${target}`),
    );
    expect(documents.length).toBeGreaterThan(5);
    expect(missing).toEqual([]);
  });

  it('holds the sources that its maps point to', async () => {
    const maps = packed.files.filter((file) => file.endsWith('.map'));
    expect(maps).toContain('dist/index.d.ts.map');
    for (const map of maps) {
      const { sourceRoot = '', sources } = JSON.parse(await packed.read(map)) as {
        sourceRoot?: string;
        sources: string[];
      };
      expect(sources).not.toEqual([]);
      for (const source of sources) expect(packed.files).toContain(posix.join(posix.dirname(map), sourceRoot, source));
    }
  });

  it('has no import.meta, which would be a syntax error where bundlers and Jest compile it to CommonJS', async () => {
    const files = packed.files.filter((file) => file.endsWith('.js'));
    const texts = await Promise.all(files.map((file) => packed.read(file)));
    expect(files.filter((_, i) => texts[i]!.includes('import.meta'))).toEqual([]);
  });

  it('has nothing that publint objects to, except for the field `browser`', async () => {
    const { buffer } = Uint8Array.from(await readFile(packed.tarball));
    const { messages } = await publint({ pack: { tarball: buffer }, strict: true });
    // Suggests a subpath import instead of the field, which older bundlers of React Native do not resolve.
    expect(messages.map(({ code }) => code)).toEqual(['USE_EXPORTS_OR_IMPORTS_BROWSER']);
  });

  it('has the program webwire', async () => {
    expect(packed.manifest.bin).toEqual({ webwire: './dist/cli/main.js' });
    expect(await packed.read('dist/cli/main.js')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  it('has types that resolve in all modes with ES modules', async () => {
    const args = [packed.tarball, '--profile', 'esm-only', '--format', 'json'];
    const { analysis } = JSON.parse(await runTool('@arethetypeswrong/cli/dist/index.js', args)) as {
      analysis: { entrypoints: object; problems: { resolutionKind?: string }[] };
    };
    // The list includes resolution modes without ES modules.
    const problems = analysis.problems.filter(
      ({ resolutionKind = '' }) => !/^(node10|node16-cjs)$/.test(resolutionKind),
    );
    expect(problems).toEqual([]);
    expect(Object.keys(analysis.entrypoints)).toEqual(expect.arrayContaining(ENTRY_POINTS));
  });
});

describe('the entry points', { timeout: 180_000 }, () => {
  it('are these', () => {
    expect(Object.keys(packed.manifest.exports).sort()).toEqual([...ENTRY_POINTS, './package.json'].sort());
  });

  it.each(ENTRY_POINTS)('%s exports these names to import', async (entryPoint) => {
    const program = `console.log(JSON.stringify(Object.keys(await import('${specifierOf(entryPoint)}'))))`;
    expect(await packed.evaluate('module', program)).toEqual(SURFACE[entryPoint]?.values);
  });

  it.each(ENTRY_POINTS)('%s exports the same names to require()', async (entryPoint) => {
    const program = `console.log(JSON.stringify(Object.keys(require('${specifierOf(entryPoint)}'))))`;
    expect(await packed.evaluate('commonjs', program)).toEqual(SURFACE[entryPoint]?.values);
  });

  it.each(ENTRY_POINTS)('%s declares these names, types included', (entryPoint) => {
    const { values, types } = SURFACE[entryPoint]!;
    expect(declarationsOf(entryPoint).names).toEqual([...values, ...types].sort());
  });

  it.each(ENTRY_POINTS)('%s has declarations without errors', (entryPoint) => {
    expect(declarationsOf(entryPoint).errorsIn(packed.locate(''))).toEqual([]);
  });

  it.each(ENTRY_POINTS)('%s has declarations without errors for exactOptionalPropertyTypes', (entryPoint) => {
    const declarations = declarationsOf(entryPoint, { exactOptionalPropertyTypes: true });
    expect(declarations.errorsIn(packed.locate(''))).toEqual([]);
  });

  it('share the same classes', async () => {
    const program = `
      const { createRequire } = await import('node:module');
      const required = createRequire(process.cwd() + '/main.js')('nestjs-webwire');
      const imported = await import('nestjs-webwire');
      const { Payload } = await import('nestjs-webwire/protocol');
      console.log(JSON.stringify([required.Payload === Payload, imported.Payload === Payload]))`;
    expect(await packed.evaluate('module', program)).toEqual([true, true]);
  });

  it('include the manifest', async () => {
    const program = `console.log(JSON.stringify(require('nestjs-webwire/package.json')))`;
    expect(await packed.evaluate('commonjs', program)).toEqual(packed.manifest);
  });

  it.each(['dist/index.js', 'dist/protocol/decode.js', 'dist/server/server.js', 'lib/index.ts', 'protocol/decode'])(
    'do not include %s',
    async (path) => {
      const refused = `(error) => console.log(JSON.stringify(error.code))`;
      const importing = `await import('nestjs-webwire/${path}').catch(${refused})`;
      expect(await packed.evaluate('module', importing)).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
      const requiring = `try { require('nestjs-webwire/${path}') } catch (error) { (${refused})(error) }`;
      expect(await packed.evaluate('commonjs', requiring)).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
    },
  );
});

describe('the protocol alone', { timeout: 180_000 }, () => {
  it('loads and works where Nest is not installed', async () => {
    const program = `
      const { decodeMessage } = await import('nestjs-webwire/protocol');
      console.log(JSON.stringify(decodeMessage(Uint8Array.of(0x40, 1, 0x61, 0x62)).name))`;
    expect(await packed.evaluate('module', program, packed.bareProject)).toBe('a');
  });

  it('has types where neither Nest nor Node have any', () => {
    const file = packed.locate(typesOf('./protocol'), packed.bareProject);
    expect(new Declarations(file, []).errorsIn(packed.bareProject)).toEqual([]);
  });
});

describe('the client alone', { timeout: 60_000 }, () => {
  it('loads and works where Nest is not installed', async () => {
    const program = `
      const { WebwireClient } = await import('nestjs-webwire/client');
      const client = new WebwireClient('ws://localhost', { webSocket: class {} });
      await client.close();
      console.log(JSON.stringify(client.status))`;
    expect(await packed.evaluate('module', program, packed.bareProject)).toBe('closed');
  });

  it('has types where neither Nest nor Node nor browsers have any', () => {
    const file = packed.locate(typesOf('./client'), packed.bareProject);
    expect(new Declarations(file, []).errorsIn(packed.bareProject)).toEqual([]);
  });

  it('needs nothing that only Node has', () => {
    const file = packed.locate('lib/client/index.ts', packed.bareProject);
    const types = new Declarations(file, [], ['lib.es2023.d.ts', 'lib.dom.d.ts']);
    expect(types.errorsIn(packed.locate('lib', packed.bareProject))).toEqual([]);
  });

  it('is small in a bundle, and complete', async () => {
    const { size, imports } = await bundle(
      "export { WebwireClient } from 'nestjs-webwire/client';",
      packed.bareProject,
    );
    expect(imports).toEqual([]);
    expect(size).toBeLessThanOrEqual(14_500);
  });

  it('leaves out of bundles for browsers what only other platforms report', async () => {
    const { code } = await bundle("export { WebwireClient } from 'nestjs-webwire/client';", packed.bareProject);
    expect(code).not.toMatch(/unexpected-response|ECONNREFUSED/);
  });

  it('adds only its used parts to a bundle', async () => {
    const { code, size } = await bundle("export { TimeoutError } from 'nestjs-webwire/client';", packed.bareProject);
    expect(code).not.toContain('DialTimeoutError');
    expect(size).toBeLessThanOrEqual(400);
  });
});

describe('the sizes of bundles', { timeout: 120_000 }, () => {
  /** What a front end imports, and the exports of the entry point that it needs for it. */
  const IMPORTS: readonly (readonly [use: string, program: string])[] = [
    ['the client', "export { WebwireClient } from 'nestjs-webwire/client';"],
    [
      'the client with a contract, without its schemas',
      "export { WebwireClient } from 'nestjs-webwire/client'; export { defineContract } from 'nestjs-webwire/contract';",
    ],
    [
      'the client with all hooks, without React',
      "export { WebwireClient } from 'nestjs-webwire/client'; export * from 'nestjs-webwire/react';",
    ],
    [
      'the client with `useWebwire` and `useSignal`, without React',
      "export { WebwireClient } from 'nestjs-webwire/client'; export { useWebwire, useSignal } from 'nestjs-webwire/react';",
    ],
    ['`defineContract`', "export { defineContract } from 'nestjs-webwire/contract';"],
    ['`isTimeout`', "export { isTimeout } from 'nestjs-webwire/client';"],
    ['`decodeMessage`', "export { decodeMessage } from 'nestjs-webwire/protocol';"],
    ['all of `nestjs-webwire/protocol`', "export * from 'nestjs-webwire/protocol';"],
  ];

  it('are those of the table, which `-u` writes', async () => {
    const rows: string[] = [];
    for (const [use, program] of IMPORTS) {
      const { size, imports } = await bundle(program, packed.bareProject, ['react']);
      expect(imports.filter((name) => name !== 'react')).toEqual([]);
      // Rounded up, so that a small change does not change the table.
      rows.push(`| ${use} | ${(Math.ceil(size / 250) / 4).toFixed(2)} kB |`);
    }
    const text = `# Sizes of bundles

This page lists how much each import adds to a page: minified by Vite, compressed by gzip, rounded up to 0.25 kB (250
bytes). No bundle contains a part of Nest or of Node.js.
\`npx vitest run --config test/vitest.config.ts test/package/package.spec.ts -u\` writes this table.

| Import | Size |
| --- | ---: |
${rows.join('\n')}
`;
    const table = await format(text, { ...(await resolveConfig(TABLE)), parser: 'markdown' });
    await expect(table).toMatchFileSnapshot(TABLE);
  });
});

describe('where no peer is installed', { timeout: 60_000 }, () => {
  it('all peers are optional', () => {
    const { peerDependencies, peerDependenciesMeta } = packed.manifest;
    expect(Object.keys(peerDependenciesMeta).sort()).toEqual(Object.keys(peerDependencies).sort());
    expect(Object.values(peerDependenciesMeta).every(({ optional }) => optional)).toBe(true);
    expect(Object.keys(packed.manifest.dependencies)).toEqual(['proxy-addr', 'ws']);
  });

  it.each(['.', './client-module', './document', './testing', './terminus', './opentelemetry', './react'])(
    '%s fails with the name of a missing package',
    async (entryPoint) => {
      const program = `
        const { code, message } = await import('${specifierOf(entryPoint)}').catch((error) => error);
        console.log(JSON.stringify([code, message]))`;
      const [code, message] = (await packed.evaluate('module', program, packed.bareProject)) as [string, string];
      expect(code).toBe('ERR_MODULE_NOT_FOUND');
      const [, missing] = /^Cannot find package '([^']+)' imported from /.exec(message)!;
      expect([...Object.keys(packed.manifest.peerDependencies), 'proxy-addr', 'ws']).toContain(missing);
    },
  );
});

describe('hooks for React alone', { timeout: 60_000 }, () => {
  it('need React only', async () => {
    const { code, imports } = await bundle("export * from 'nestjs-webwire/react';", packed.bareProject, ['react']);
    expect(imports).toEqual(['react']);
    expect(code).not.toContain('@nestjs');
  });

  it('have types where neither Nest nor Node nor browsers nor React have any', () => {
    const file = packed.locate(typesOf('./react'), packed.bareProject);
    expect(new Declarations(file, []).errorsIn(packed.bareProject)).toEqual([]);
  });

  it('need nothing that only Node has', () => {
    const file = packed.locate('lib/react/index.ts', packed.bareProject);
    const types = new Declarations(file, [], ['lib.es2023.d.ts', 'lib.dom.d.ts'], {
      paths: { react: [installed('@types/react/index.d.ts')] },
    });
    expect(types.errorsIn(packed.locate('lib/react', packed.bareProject))).toEqual([]);
  });
});

describe('contracts alone', { timeout: 60_000 }, () => {
  it('load and work where Nest is not installed', async () => {
    const program = `
      const { defineContract } = await import('nestjs-webwire/contract');
      console.log(JSON.stringify(defineContract({ requests: { a: {} } }).requests.a.name))`;
    expect(await packed.evaluate('module', program, packed.bareProject)).toBe('a');
  });

  it('have types where neither Nest nor Node nor browsers have any', () => {
    const file = packed.locate(typesOf('./contract'), packed.bareProject);
    expect(new Declarations(file, []).errorsIn(packed.bareProject)).toEqual([]);
  });

  it('are small in a bundle, and add nothing to that of a client without one', async () => {
    const own = await bundle("export { defineContract } from 'nestjs-webwire/contract';", packed.bareProject);
    expect(own.imports).toEqual([]);
    expect(own.size).toBeLessThanOrEqual(3_500);
    const client = await bundle("export { WebwireClient } from 'nestjs-webwire/client';", packed.bareProject);
    expect(client.code).not.toContain('CONTRACT_VIOLATION');
  });
});

describe('the entry points in docs/getting-started.md', () => {
  it('are those of the package', async () => {
    const table = (await packed.read('docs/getting-started.md')).split('## Entry points')[1]!.split('\n## ')[0]!;
    const listed = [...table.matchAll(/^\| `(nestjs-webwire[^`]*)`/gm)].map(([, specifier]) => specifier);
    expect(new Set(listed)).toEqual(new Set(ENTRY_POINTS.map(specifierOf)));
  });
});

describe('the entry point for Redis', { timeout: 60_000 }, () => {
  it('loads ioredis only for a URL', async () => {
    const program = `
      const { createRequire } = await import('node:module');
      const require = createRequire(process.cwd() + '/main.js');
      await import('nestjs-webwire');
      const { RedisCluster, RedisSessionManager } = await import('nestjs-webwire/redis');
      const isLoaded = () => Object.keys(require.cache).some((file) => file.includes('ioredis'));
      const before = isLoaded();
      const cluster = new RedisCluster({ url: 'redis://127.0.0.1:1', nodeTimeout: 300, commandTimeout: 100 });
      const { code } = await cluster.start({}).catch((error) => error);
      console.log(JSON.stringify([before, isLoaded(), code]))`;
    expect(await packed.evaluate('module', program)).toEqual([false, true, 'CLUSTER_UNAVAILABLE']);
  });

  it('says which package to install where ioredis is missing', async () => {
    const hook = `
      export function resolve(name, context, next) {
        if (name !== 'ioredis') return next(name, context);
        throw Object.assign(new Error('Cannot find package ioredis'), { code: 'ERR_MODULE_NOT_FOUND' });
      }`;
    const program = `
      (await import('node:module')).register('data:text/javascript,${encodeURIComponent(hook).replaceAll("'", '%27')}');
      const { RedisCluster } = await import('nestjs-webwire/redis');
      const cluster = new RedisCluster({ url: 'redis://127.0.0.1:1', nodeTimeout: 300, commandTimeout: 100 });
      const { message } = await cluster.start({}).catch((error) => error);
      await cluster.stop?.();
      console.log(JSON.stringify(message))`;
    expect(await packed.evaluate('module', program)).toMatch(
      /^RedisCluster cannot use Redis: a connection needs the package ioredis \(npm install ioredis\): Cannot find package ioredis/,
    );
  });
});

function typesOf(entryPoint: string): string {
  const { types } = packed.manifest.exports[entryPoint] as Record<string, string>;
  return types!;
}

/** The declarations in a Nest application, which has the types of Node.js. */
function declarationsOf(entryPoint: string, options?: ts.CompilerOptions): Declarations {
  return new Declarations(packed.locate(typesOf(entryPoint)), [installed('@types')], undefined, options);
}
