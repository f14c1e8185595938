import { posix } from 'node:path';
import { readDocuments, type Document } from './documents.js';

/** Programs that begin a command in a text. */
const PROGRAMS =
  'npm|npx|node|redis-server|redis-cli|nginx|haproxy|curl|docker|bash|openssl|systemctl|kubectl|cp|git|ulimit';

/** The commands of a page: lines of its blocks of shell code, loops as a whole, and commands in its texts. */
function commandsOf({ text }: Document): string[] {
  const blocks = [...text.matchAll(/^( *)```sh\n([^]*?)^ *```$/gm)].flatMap(([, indent, code]) =>
    linesOf(code!.replaceAll(new RegExp(`^${indent}`, 'gm'), '')),
  );
  const inline = [...text.replaceAll(/^ *```[^]*?^ *```$/gm, '').matchAll(/`([^`]+)`/g)]
    .map(([, code]) => code!.replaceAll(/\s+/g, ' '))
    .filter((code) => new RegExp(`^(?:[A-Z_]+=\\S+ )*(?:${PROGRAMS}) `).test(code));
  return [...new Set([...blocks, ...inline])];
}

function linesOf(code: string): string[] {
  const commands = code.matchAll(/^for [^]*?^done$|^.+$/gm);
  return [...commands].map(([command]) => command.replace(/ +#.*$/, '').trim());
}

const documents = readDocuments();

/** The commands of each page that has some, for readers of the package and of the repository. */
export const COMMANDS: ReadonlyMap<string, readonly string[]> = new Map(
  [...documents.values()]
    .filter(({ path }) => /^(README|CONTRIBUTING|docs\/|sample\/)/.test(path))
    .map((page) => [page.path, commandsOf(page)] as const)
    .filter(([, commands]) => commands.length > 0),
);

/** The test that runs a command, or the reason why none does. */
export type Decision =
  | {
      /** The file of the test, which contains `as`. */
      readonly in: string;
      /** What stands there. Default: the command. */
      readonly as?: string;
    }
  | { readonly not: string };

const REGISTRY: Decision = {
  not: 'needs the registry, and the package in it: rows of test/matrix install the tarball with the same packages',
};
const MEASURES: Decision = { not: 'measures or loads the machine for minutes' };
const BUILDS: Decision = { in: '.ci/run', as: 'npm ci && npm test' };
const NPM_CI: Decision = { in: '.ci/run', as: 'npm ci' };

const HERE = 'test/docs/commands.spec.ts';
const NEWCOMER = 'test/package/newcomer.spec.ts';
const MATRIX: Decision = { not: 'installs packages from the registry: .ci/run runs npm run test:matrix -- --ci' };

/** What a sample's script runs, and the test that runs it as well. */
const script = (file: string, test: string): Decision => ({ in: test, as: file });

const chatroom = script('src/main.js', 'test/support/chatroom.ts');

export const DECISIONS: Readonly<Record<string, Readonly<Record<string, Decision>>>> = {
  'README.md': {
    'npm run docs': { in: 'package.json', as: 'npm run docs && vitest run' },
    'npm run docs:preview': { not: 'serves until it is stopped: test/browser/site.spec.ts serves the same folder' },
    'npm ci && npm start': { in: HERE, as: 'npm start -w webwire-sample-chatroom' },
    'npm ci && npm test': BUILDS,
    'npm install nestjs-webwire @nestjs/websockets': REGISTRY,
    'npm install zod': REGISTRY,
    'npm run chat': { in: HERE },
  },
  'CONTRIBUTING.md': {
    'npm run docs': { in: 'package.json', as: 'npm run docs && vitest run' },
    'npm run docs:preview': { not: 'serves until it is stopped: test/browser/site.spec.ts serves the same folder' },
    'npm run bench:check': { in: '.ci/run' },
    'node .bench/check.js --record': { not: 'would write the figures of a busy machine' },
    'npm ci': NPM_CI,
    'npm start': { in: HERE, as: 'npm start -w webwire-sample-chatroom' },
    'npm run chat': { in: HERE },
    'npm run build': BUILDS,
    'npm run build:sample': BUILDS,
    'npm run check': { in: '.ci/run' },
    'npm test': { in: '.ci/run' },
    'npm run test:unit': { not: 'would run this test within itself' },
    'npm run test:matrix': { in: '.ci/run', as: 'npm run test:matrix -- --ci' },
    'npm run bench': MEASURES,
    'npm run bench:cluster': MEASURES,
    'npm run soak': { in: '.ci/run', as: 'npm run soak -- --seconds 20' },
    'npm run soak:redis': MEASURES,
    'npm test -- test/release test/package/package.spec.ts': { in: '.github/workflows/publish.yml' },
    'npm version minor': { in: 'test/release/npm-version.spec.ts', as: "'npm', 'version', 'minor'" },
    'npm version': { in: 'test/release/npm-version.spec.ts' },
    'git push --follow-tags': { not: 'publishes a release' },
    'bash .ci/run': { in: '.github/workflows/ci.yml' },
    'npx vitest --config test/vitest.config.ts test/nest/handlers': { not: 'would run tests within this test' },
    'npx @nestjs/cli start 01-echo': MATRIX,
    'cp test/browser/screenshots/chat-room.png docs/': { not: 'changes a document' },
    'npm run check:frameworks': { in: 'package.json' },
    'npm run soak -- --seed 7': MEASURES,
    'npm install --no-save bun': { not: 'installs a package of 100 MB from the registry' },
    'node .bench/chart.js': { not: 'changes a document' },
    'npm run bench:memory': MEASURES,
    'npm run bench:cores': MEASURES,
    'npm run bench -- --help': { in: HERE },
    'npm run bench:cluster -- --help': { not: 'would build the package once more; npm run bench -- --help is run' },
    'npm publish': { not: 'publishes a release' },
  },
  'docs/bundle-sizes.md': {
    'npx vitest run --config test/vitest.config.ts test/package/package.spec.ts -u': { not: 'changes a document' },
  },
  'docs/client.md': {
    'mkdir practice-server': { in: NEWCOMER },
    'cd practice-server': { in: NEWCOMER },
    'npm init -y': { in: NEWCOMER },
    'npm pkg set type=module': { in: NEWCOMER },
    'npm install nestjs-webwire @nestjs/common @nestjs/core @nestjs/platform-express @nestjs/websockets reflect-metadata rxjs tsx':
      REGISTRY,
    'npx tsx server.ts': { in: 'test/browser/first-page.spec.ts', as: 'Starts the server as tsx runs it' },
    'npm create --yes vite@latest web -- --template vanilla-ts --no-interactive': REGISTRY,
    'cd web': REGISTRY,
    'npm install': REGISTRY,
    'npm install nestjs-webwire': REGISTRY,
    'npm run dev': { in: 'test/browser/first-page.spec.ts', as: 'Builds the page, and serves it.' },
    'npx webwire types': { in: NEWCOMER, as: 'npx webwire types asyncapi.json -o src/api.ts' },
  },
  'docs/cluster.md': { 'npm install ioredis': REGISTRY },
  'docs/compatibility.md': {
    'npm install @nestjs/platform-fastify': REGISTRY,
    'npm run test:matrix -- --only bun-1.4': MATRIX,
    'npm run test:matrix': MATRIX,
    'openssl s_client -connect host:port': { not: 'is a tool of others, for a server that has no name yet' },
  },
  'docs/deployment.md': {
    [`for port in 3001 3002 3003; do
  systemctl restart "webwire@$port"
  curl --silent --fail --output /dev/null --retry 60 --retry-delay 1 --retry-all-errors "http://127.0.0.1:$port/health/ready"
done`]: { in: HERE, as: 'for port in' },
    'nginx -s reload': { not: 'is named for its effect on connections, which the page describes' },
    'ulimit -n': { not: 'is named as a limit of the system' },
    'npm run bench:cores': MEASURES,
  },
  'docs/documents.md': { 'npx webwire types asyncapi.json -o src/api.ts': { in: NEWCOMER } },
  'docs/getting-started.md': {
    'npm install nestjs-webwire': REGISTRY,
    'npm install @nestjs/common @nestjs/core @nestjs/websockets @nestjs/platform-express reflect-metadata rxjs':
      REGISTRY,
    'npm install --save-dev typescript @types/node': REGISTRY,
    'npm install ws && npm install --save-dev @types/ws': REGISTRY,
    'npm pkg set type=module': { in: NEWCOMER },
    'npx tsc && node dist/server.js': { in: NEWCOMER },
    'npx tsc && node dist/client.js': { in: NEWCOMER },
    'npm start': { in: HERE, as: 'npm start -w webwire-sample-chatroom' },
  },
  'docs/limits.md': { 'npm run bench:memory': MEASURES, 'npm run bench -- --part memory': MEASURES },
  'docs/observability.md': { 'npm install @nestjs/terminus': REGISTRY },
  'docs/performance.md': {
    'npm run bench': MEASURES,
    'npm run bench -- --help': { in: HERE },
    'npm run bench -- --json test/bench/results/latest.json': MEASURES,
    'node .bench/chart.js': { not: 'changes a document' },
    'npm run bench -- --part requests --only rateLimit': MEASURES,
    'npm run bench:cluster': MEASURES,
    'npm run bench:cores': MEASURES,
    'npm run soak': { in: '.ci/run', as: 'npm run soak -- --seconds 20' },
  },
  'docs/platforms.md': { 'npm run test:matrix -- --only react-native': MATRIX },
  'docs/redis.md': { 'npm run soak:redis': MEASURES },
  'docs/testing-pages.md': {
    'npm install --save-dev vitest jsdom @nestjs/common @nestjs/core @nestjs/platform-express @nestjs/websockets reflect-metadata rxjs':
      REGISTRY,
  },
  'docs/testing.md': {
    'npm install --save-dev vitest @nestjs/testing': REGISTRY,
    'npm install --save-dev jest @jest/globals @swc/jest @swc/core @nestjs/testing': REGISTRY,
    'NODE_OPTIONS=--experimental-vm-modules npx jest': {
      in: 'test/matrix/toolchains/test-runners.ts',
      as: "NODE_OPTIONS: '--experimental-vm-modules'",
    },
    'npm run test:matrix -- --only tests': MATRIX,
    'WEBWIRE_TRACE=1 npx vitest run src/failing.test.ts': {
      in: 'test/matrix/toolchains/test-runners.ts',
      as: 'WEBWIRE_TRACE',
    },
  },
  'sample/01-echo/README.md': {
    'npm ci && npm run build:sample': BUILDS,
    'npm start': { in: HERE },
    'npm run client': { in: HERE, as: 'npm run client -- ws://localhost:' },
  },
  'sample/02-pubsub/README.md': {
    'npm ci && npm run build:sample': BUILDS,
    'npm start': script('broker/main.js', 'test/e2e/pubsub-sample.spec.ts'),
    'npm run station': script('station/main.js', 'test/e2e/pubsub-sample.spec.ts'),
    'npm run subscriber': script('subscriber.js', 'test/e2e/pubsub-sample.spec.ts'),
    'npm run station -- ws://localhost:3001': script('station/main.js', 'test/e2e/pubsub-sample.spec.ts'),
  },
  'sample/03-chatroom/README.md': {
    'npm start': chatroom,
    'npm run chat': { in: HERE },
  },
  'sample/04-custom-session-store/README.md': {
    'npm ci && npm run build:sample': BUILDS,
    'npm start': script('main.js', 'test/e2e/custom-session-store.spec.ts'),
    'npm run client': script('client.js', 'test/e2e/custom-session-store.spec.ts'),
  },
  'sample/05-tls/README.md': {
    'npm ci && npm run build:sample': BUILDS,
    'npm start': script('main.js', 'test/e2e/tls-sample.spec.ts'),
    'npm run client': script('client.js', 'test/e2e/tls-sample.spec.ts'),
  },
  'sample/06-cluster/README.md': {
    'npm ci && npm run build:sample': BUILDS,
    'redis-server &': { in: 'test/support/redis-processes.ts', as: "'redis-server'" },
    'npm start': script('06-cluster/src/main.js', 'test/e2e/cluster-sample.spec.ts'),
    'npm run chat': { in: HERE },
  },
  'sample/07-streams/README.md': {
    'npm ci && npm run build:sample': BUILDS,
    'npm start': script('src/main.js', 'test/e2e/streams-sample.spec.ts'),
  },
  'sample/08-deployment/README.md': {
    'npm ci && npm run build:sample': BUILDS,
    'npm start': { in: HERE },
    'npm run client': { in: HERE },
  },
  'sample/09-react/README.md': {
    'npm ci && npm run build:sample': BUILDS,
    'npm start': script('09-react', 'test/browser/react.spec.ts'),
  },
};

/** The folder in which a reader of the page enters its commands. */
export function folderOf(page: string): string {
  return page.startsWith('sample/') && page !== 'sample/03-chatroom/README.md' ? posix.dirname(page) : '.';
}
