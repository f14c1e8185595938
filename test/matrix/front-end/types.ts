import { join } from 'node:path';
import type { Stage } from '../stage.js';

/** Compilers by the names under which they are installed, and the types that some projects have. */
export const TYPES = {
  '@types/node': '^24.0.0',
  '@types/react': '^19.2.0',
  'typescript-5.8': 'npm:typescript@~5.8.0',
  typescript: '~6.0.0',
  'typescript-7': 'npm:typescript@~7.0.0',
};

const COMPILERS = ['typescript-5.8', 'typescript', 'typescript-7'];

/** The types of a platform that a project has, and a program that uses them. */
interface Platform {
  readonly name: string;
  readonly lib: readonly string[];
  readonly types: readonly string[];
  /** Uses objects of the platform as options (default: nothing). */
  readonly program?: string;
  /** Further options of the compiler. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/** Uses each entry point. */
const COMMON = `
  import { jsonCodec, RequestError, WebwireClient, type ClientOptions } from 'nestjs-webwire/client';
  import { defineContract } from 'nestjs-webwire/contract';
  import { decodeMessage, Payload, type MessageType } from 'nestjs-webwire/protocol';
  import { useSignal, useStream, useWebwire } from 'nestjs-webwire/react';

  interface Api {
    requests: { sum: [number[], number] };
    signals: { typing: string };
    serverSignals: { news: { title: string } };
    streams: { count: [number, string] };
  }

  export const options: ClientOptions = { codec: jsonCodec, reconnect: { minDelay: 1 } };
  export const client = new WebwireClient<Api>('wss://example.com', options);
  export const sum: Promise<number> = client.request('sum', [1, 2], { timeout: 1, deadline: new Date() }).then(({ body }) => body);
  // @ts-expect-error -- there is no such request
  export const other = client.request('other');
  export const isRefused = (error: unknown): boolean => error instanceof RequestError && error.code === 'REFUSED';
  client.onSignal('news', ({ body }) => body.title);
  export async function* read(): AsyncGenerator<string> {
    for await (const { body } of client.stream('count', 3)) yield body;
  }
  export function useNews(): string {
    const { status, session } = useWebwire(client);
    useSignal(client, 'news', ({ body }) => body.title);
    const { item } = useStream(client, 'count', 3);
    return status + (session?.key ?? '') + (item ?? '');
  }
  export const contract = defineContract({ requests: { echo: {} } });
  export const type: MessageType = decodeMessage(Uint8Array.of(0x40, 1, 0x61, 0x62)).type;
  export const bytes: Uint8Array = Payload.utf8('a').bytes;
`;

/** Objects that browsers have in pages and in workers. */
const BROWSER = `
  import { client, options } from './common.js';
  import { WebwireClient } from 'nestjs-webwire/client';
  const { signal } = new AbortController();
  export const timed = AbortSignal.any([signal, AbortSignal.timeout(1_000)]);
  export const reply = client.request('sum', [], { signal: timed });
  export const other = new WebwireClient(new URL('wss://example.com'), { ...options, webSocket: WebSocket });
`;

const PLATFORMS: readonly Platform[] = [
  { name: 'no-platform', lib: ['ES2022'], types: [] },
  {
    name: 'dom',
    lib: ['ES2022', 'DOM'],
    types: [],
    program: `${BROWSER} export const stored = new WebwireClient('/', { sessionStorage: localStorage });`,
  },
  { name: 'web-worker', lib: ['ES2022', 'WebWorker'], types: [], program: BROWSER },
  { name: 'node', lib: ['ES2022'], types: ['node'], program: BROWSER },
];

export const REACT_NATIVE: Platform = {
  name: 'react-native',
  lib: ['ES2022'],
  types: ['react-native'],
  options: { moduleResolution: 'bundler', module: 'esnext', customConditions: ['react-native'] },
  program: `
    import { client, options } from './common.js';
    import { WebwireClient } from 'nestjs-webwire/client';
    const { signal } = new AbortController();
    export const reply = client.request('sum', [], { signal });
    const AsyncStorage = {
      getItem: (_key: string): Promise<string | null> => Promise.resolve(null),
      setItem: (_key: string, _value: string): Promise<void> => Promise.resolve(),
      removeItem: (_key: string): Promise<void> => Promise.resolve(),
    };
    export const other = new WebwireClient('wss://example.com', {
      ...options,
      sessionStorage: AsyncStorage,
      headers: { authorization: 'Bearer 1' },
    });
  `,
};

/** Writes a project whose compiler checks the declarations of packages, too. */
export async function writeTypesProject(stage: Stage, folder: string, platform: Platform): Promise<void> {
  const compilerOptions = {
    target: 'ES2022',
    module: 'nodenext',
    moduleResolution: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
    jsx: 'react-jsx',
    lib: platform.lib,
    types: platform.types,
    ...platform.options,
  };
  await stage.write(`${folder}/package.json`, JSON.stringify({ type: 'module' }));
  await stage.write(`${folder}/tsconfig.json`, JSON.stringify({ compilerOptions, include: ['.'] }));
  await stage.write(`${folder}/common.ts`, COMMON);
  await stage.write(`${folder}/platform.ts`, platform.program ?? 'export {};');
}

/** Compiles a program for each platform with each compiler, and once for bundlers. */
export async function checkTypes(stage: Stage): Promise<void> {
  const bundled = { name: 'bundler', options: { module: 'esnext', moduleResolution: 'bundler' } };
  const platforms = [...PLATFORMS, { ...PLATFORMS[1]!, ...bundled }];
  for (const platform of platforms) {
    const folder = `types/${platform.name}`;
    await writeTypesProject(stage, folder, platform);
    for (const compiler of COMPILERS) {
      await stage.exec('node', [join(stage.folder, 'node_modules', compiler, 'bin/tsc'), '-p', folder]);
    }
    console.log(`  passed: types with ${platform.name}`);
  }
}
