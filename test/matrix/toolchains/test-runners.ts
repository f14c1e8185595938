import type { Toolchain } from './toolchain.js';

export const vitest: Toolchain = {
  name: 'vitest',
  type: 'module',
  async run(project) {
    await project.write(
      'vitest.config.mjs',
      'export default { oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } } };',
    );
    await project.exec('npx', ['vitest', 'run']);
  },
};

/** The configuration in the README. */
const DOCUMENTED = /```json\n(\{\n {2}"transform"[^`]*)```/;

/** Jest runs CommonJS, so that a transformer has to compile the package's ES modules to it. */
function jest(name: string, changed: Readonly<Record<string, unknown>>): Toolchain {
  return {
    name: `jest-${name}`,
    type: 'commonjs',
    async run(project) {
      const [, documented] = DOCUMENTED.exec(await project.readOriginal('README.md'))!;
      const config = { testRegex: String.raw`src/.*\.test\.ts$`, ...(JSON.parse(documented!) as object), ...changed };
      await project.replace('src/greeting.test.ts', "'vitest'", "'@jest/globals'");
      await project.write('jest.config.json', JSON.stringify(config, null, 2));
      await project.exec('npx', ['jest', '-c', 'jest.config.json']);
    },
  };
}

/** ts-jest compiles each file alone, as far as possible as the application is compiled. */
const TS_JEST = {
  target: 'ES2023',
  module: 'commonjs',
  esModuleInterop: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  allowJs: true,
  isolatedModules: true,
};

export const jestToolchains: readonly Toolchain[] = [
  jest('swc', {}),
  jest('ts-jest', { transform: { [String.raw`\.[jt]s$`]: ['ts-jest', { tsconfig: TS_JEST }] } }),
];
