import { expectOutput } from '../stage.js';
import { asWrittenIn, type ModuleType } from './project.js';
import type { Toolchain } from './toolchain.js';

const PAGE = 'docs/testing.md';

/** The files of the page that contain tests. One test of them fails. */
const TESTS = ['src/greeting.test.ts', 'src/timers.test.ts', 'src/failing.test.ts'] as const;

/** The end of a run of these tests, and of those in the application. */
const SUMMARY = /Tests:? +1 failed(?: \||,) 7 passed/;

const TITLE = 'WebWire messages of the failed test:';

interface TestRunner {
  readonly name: string;
  readonly type: ModuleType;
  /** Configuration file of the page. */
  readonly config: string;
  /** Heading of the page that precedes it. */
  readonly heading: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Changes the configuration as the page says. */
  readonly configure?: (config: string, page: string) => string;
  /** Changes a test as the page says. */
  readonly adapt?: (test: string) => string;
}

/** Runs the tests of the page, of which one fails, and compares the messages that are printed with those on the page. */
function toolchain(runner: TestRunner): Toolchain {
  const { name, type, config, heading, command, env, configure = (text) => text, adapt = (text) => text } = runner;
  return {
    name,
    type,
    async run(project) {
      const page = await project.readOriginal(PAGE);
      await project.write(config, configure(fileOf(page, config, heading), page));
      for (const file of TESTS) await project.write(file, adapt(asWrittenIn(type, fileOf(page, file))));
      const sockets = await project.readOriginal('test/matrix/toolchains/application/sockets.test.ts');
      await project.write('src/sockets.test.ts', adapt(asWrittenIn(type, sockets)));
      const { output } = await project.exec('npx', command, { env: { ...env, WEBWIRE_TRACE: '1' }, fails: true });
      if (!SUMMARY.test(output)) throw new Error(`expected ${SUMMARY} in:\n${output}`);
      expectOutput(withoutTimes(output), withoutTimes(printedRecord(page)));
      if (output.split(TITLE).length > 2) throw new Error(`a test that passed has printed messages:\n${output}`);
    },
  };
}

/**
 * The code block after a line that ends with the name of the file and a colon.
 * @param heading If several sections have a file of this name, the heading of one of them.
 */
function fileOf(page: string, file: string, heading = ''): string {
  const section = page.slice(page.indexOf(`\n${heading}`));
  const name = file.replaceAll('.', String.raw`\.`);
  const [, code] = new RegExp(`\`${name}\`:\n\n\`\`\`\\w+\n([^]*?)^\`\`\``, 'm').exec(section) ?? [];
  if (code === undefined) throw new Error(`${PAGE} has no code of ${file}`);
  return code;
}

function printedRecord(page: string): string {
  return new RegExp(`^${TITLE}\n[^\`]*`, 'm').exec(page)![0].trimEnd();
}

/** Test runners indent what they print. */
function withoutTimes(output: string): string {
  return output.replaceAll(/^ *(?:\d+ ms|(?=WebWire messages))/gm, '');
}

const forJest = (test: string) => test.replaceAll("'vitest'", "'@jest/globals'").replaceAll(/\bvi\b/g, 'jest');

const JEST: Pick<TestRunner, 'adapt' | 'config' | 'command'> = {
  config: 'jest.config.json',
  command: ['jest'],
  adapt: forJest,
};

export const vitest = toolchain({
  name: 'vitest',
  type: 'module',
  config: 'vitest.config.mjs',
  heading: '## Vitest',
  command: ['vitest', 'run'],
});

export const jestForCommonJs = toolchain({
  name: 'jest-commonjs',
  type: 'commonjs',
  heading: '### CommonJS',
  ...JEST,
});

export const jestForModules = toolchain({
  name: 'jest-modules',
  type: 'module',
  heading: '### ES modules',
  ...JEST,
  env: { NODE_OPTIONS: '--experimental-vm-modules' },
});

export const jestWithTsJest = toolchain({
  name: 'jest-ts-jest',
  type: 'commonjs',
  heading: '### CommonJS',
  ...JEST,
  configure(config, page) {
    const [, entry] = /```json\n(\[\s*"ts-jest"[^]*?)^```/m.exec(page)!;
    const changed = JSON.parse(config) as { transform: Record<string, unknown> };
    for (const pattern of Object.keys(changed.transform)) changed.transform[pattern] = JSON.parse(entry!);
    return JSON.stringify(changed, null, 2);
  },
});

/** Timers that are fake before the client is loaded, with the option of the page. */
export const jestWithEarlyFakeTimers: Toolchain = {
  name: 'jest-fake-timers',
  type: 'commonjs',
  async run(project) {
    const page = await project.readOriginal(PAGE);
    const [, names] = /doNotFake: \[(.*?)\]/.exec(page)!;
    const config = JSON.parse(fileOf(page, 'jest.config.json', '### CommonJS')) as object;
    const fakeTimers = { enableGlobally: true, doNotFake: names!.split(', ').map((name) => name.slice(1, -1)) };
    await project.write('jest.config.json', JSON.stringify({ ...config, fakeTimers }, null, 2));
    const [test] = TESTS;
    await project.write(test, forJest(asWrittenIn('commonjs', fileOf(page, test))));
    await project.exec('npx', ['jest', test]);
  },
};
