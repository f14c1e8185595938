import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expectOutput, type Stage } from '../stage.js';
import type { Row } from '../row.js';
import { nestPackages, type NestVersion } from './versions.js';

const PACKAGES = ['common', 'core', 'platform-express', 'platform-fastify', 'websockets'];

const SAMPLE = 'sample/01-echo/src';
const CLIENT = `${SAMPLE}/client`;
const START = 'test/matrix/nest/echo/start';

/** Lines of the sample's client, which has the answers of the server. */
const ANSWERS = [
  'echo -> reply: Hello, WebWire!',
  'greet -> error: BAD_REQUEST: name must be longer',
  'ping -> signal: pong: now',
];

const TSCONFIG = {
  compilerOptions: {
    target: 'ES2023',
    module: 'nodenext',
    types: ['node'],
    rootDir: '.',
    outDir: 'dist',
    strict: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    // The declarations of the lowest versions are older than the compiler.
    skipLibCheck: true,
  },
  include: ['sample', 'test'],
};

/**
 * Installs the packed package with a version of Nest as a user does, and starts the echo sample: as ES modules, which
 * `import` the package, and as CommonJS, which `require()` it; on Express and on Fastify.
 */
export function echoRow(version: NestVersion): Row {
  return {
    name: `echo-${version.label}`,
    does: `starts the echo sample from the tarball with Nest ${version.range}: import and require(), Express and Fastify`,
    inCi: true,
    async run(stage) {
      const { dependencies } = JSON.parse(await readFile(join(stage.root, SAMPLE, '../package.json'), 'utf8')) as {
        dependencies: Record<string, string>;
      };
      await stage.install({
        dependencies: {
          ...dependencies,
          ...nestPackages(version, PACKAGES),
          ...version.peers,
          'nestjs-webwire': await stage.tarball(),
          ws: '^8.18.0',
        },
        devDependencies: {
          '@types/express': '^5.0.0',
          '@types/node': '^20.19.0',
          '@types/ws': '^8.18.0',
          typescript: '~6.0.3',
        },
      });
      for (const type of ['module', 'commonjs']) await compile(stage, type);
      for (const type of ['module', 'commonjs']) {
        for (const http of ['express', 'fastify']) await tryServer(stage, type, http);
      }
    },
  };
}

/** Compiles the sample in a folder that is a package of a type. */
async function compile(stage: Stage, type: string): Promise<void> {
  await stage.write(`${type}/package.json`, JSON.stringify({ type }));
  await stage.write(`${type}/tsconfig.json`, JSON.stringify(TSCONFIG));
  const files = [START, ...['app.module', 'echo.gateway', 'greeting.dto'].map((name) => `${SAMPLE}/${name}`)];
  // It uses top-level await, which CommonJS does not have.
  if (type === 'module') files.push(CLIENT);
  for (const file of files) await stage.copy(`${file}.ts`, `${type}/${file}.ts`);
  await stage.exec('npx', ['tsc', '-p', type]);
}

async function tryServer(stage: Stage, type: string, http: string): Promise<void> {
  const server = await stage.start('node', [`${type}/dist/${START}.js`], /^ws:.*$/m, { env: { HTTP: http } });
  const { output } = await stage.exec('node', [`module/dist/${CLIENT}.js`, server.match[0]]);
  for (const answer of ANSWERS) expectOutput(output, answer);
  await server.stop();
}
