import type { Row } from '../row.js';
import { NEST_VERSIONS, nestPackages, type NestVersion } from '../nest/versions.js';
import { bundlerToolchains } from './bundlers.js';
import { nest11Builds, nest12Builds } from './nest-cli.js';
import { Project } from './project.js';
import { swcToolchains } from './swc.js';
import { jestForCommonJs, jestForModules, jestWithEarlyFakeTimers, jestWithTsJest, vitest } from './test-runners.js';
import type { Toolchain } from './toolchain.js';
import { COMPILERS, typescriptToolchains } from './typescript.js';

const NEST = ['common', 'core', 'platform-express', 'testing', 'websockets'];

const DEPENDENCIES = {
  'class-transformer': '^0.5.1',
  'class-validator': '^0.15.1',
  'reflect-metadata': '^0.2.2',
  rxjs: '^7.8.2',
  ws: '^8.18.0',
};

const TYPES = { '@types/node': '^20.19.0', '@types/ws': '^8.18.0' };

/** Packages that the builder `rspack` of `nest build` needs. */
const RSPACK = {
  '@rspack/core': '^2.1.10',
  'tsconfig-paths-webpack-plugin': '^4.2.0',
  'webpack-node-externals': '^3.0.0',
};

const JEST = { '@jest/globals': '^30.0.0', '@swc/core': '^1.15.18', '@swc/jest': '^0.2.39', jest: '^30.0.0' };

const SWC = { '@swc/cli': '^0.8.0', '@swc/core': '^1.15.18' };

interface ToolchainRow {
  /** What comes after `toolchains-` in the name of the row. */
  readonly name: string;
  readonly does: string;
  readonly inCi: boolean;
  readonly nest: NestVersion;
  /** Ranges of npm by package. */
  readonly tools: Readonly<Record<string, string>>;
  readonly toolchains: readonly Toolchain[];
}

export const toolchainRows: readonly Row[] = [
  toolchainRow({
    name: 'typescript',
    does: 'compiles with TypeScript 5.8, 6 and 7 for each way to resolve modules; checks the errors of those that cannot work',
    inCi: true,
    nest: NEST_VERSIONS['12-newest'],
    tools: COMPILERS,
    toolchains: typescriptToolchains,
  }),
  toolchainRow({
    name: 'bundlers',
    does: 'compiles with SWC, bundles with esbuild and rspack',
    inCi: false,
    nest: NEST_VERSIONS['12-newest'],
    tools: {
      ...SWC,
      '@rspack/cli': '^2.1.0',
      '@rspack/core': '^2.1.10',
      esbuild: '^0.28.0',
      typescript: '~7.0.0',
    },
    toolchains: [...swcToolchains, ...bundlerToolchains],
  }),
  toolchainRow({
    name: 'nest-11',
    does: 'nest build of Nest 11 with tsc, SWC and webpack: applications of CommonJS',
    inCi: false,
    nest: NEST_VERSIONS['11-newest'],
    tools: {
      ...SWC,
      '@nestjs/cli': '^11.0.0',
      'ts-loader': '^9.5.4',
      typescript: '~5.9.3',
    },
    toolchains: nest11Builds,
  }),
  toolchainRow({
    name: 'nest-12',
    does: 'nest build of Nest 12 with tsc, SWC and rspack',
    inCi: false,
    nest: NEST_VERSIONS['12-newest'],
    tools: { ...SWC, ...RSPACK, '@nestjs/cli': '^12.0.0', typescript: '~6.0.3' },
    toolchains: nest12Builds,
  }),
  toolchainRow({
    name: 'tests-nest-11',
    does: 'runs the tests of docs/testing.md with Jest in an application of CommonJS',
    inCi: true,
    nest: NEST_VERSIONS['11-newest'],
    tools: { ...JEST, 'ts-jest': '^29.4.0', typescript: '~5.9.3' },
    toolchains: [jestForCommonJs, jestWithTsJest, jestWithEarlyFakeTimers],
  }),
  toolchainRow({
    name: 'tests-nest-12',
    does: 'runs the tests of docs/testing.md with Vitest and with Jest, in applications of ES modules and of CommonJS',
    inCi: true,
    nest: NEST_VERSIONS['12-newest'],
    tools: { ...JEST, vitest: '^4.1.0' },
    toolchains: [vitest, jestForModules, jestForCommonJs],
  }),
];

/** Installs the tarball and tools once, and runs toolchains with them, each in a folder of its own. */
function toolchainRow({ name, does, inCi, nest, tools, toolchains }: ToolchainRow): Row {
  return {
    name: `toolchains-${name}`,
    does,
    inCi,
    async run(stage) {
      await stage.install({
        dependencies: { ...DEPENDENCIES, ...nestPackages(nest, NEST), 'nestjs-webwire': await stage.tarball() },
        devDependencies: { ...TYPES, ...tools },
      });
      const failures: string[] = [];
      for (const toolchain of toolchains) {
        const start = Date.now();
        const failure = await tryToolchain(toolchain, await Project.create(stage, toolchain.name, toolchain.type));
        const seconds = Math.round((Date.now() - start) / 1000);
        console.log(`  ${failure === undefined ? 'passed' : 'FAILED'} in ${seconds} s: ${toolchain.name}`);
        if (failure !== undefined) failures.push(`${toolchain.name}: ${failure}`);
      }
      if (failures.length > 0) throw new Error(failures.join('\n\n'));
    },
  };
}

/** Runs a toolchain, and returns why it failed, if it did. */
async function tryToolchain(toolchain: Toolchain, project: Project): Promise<string | undefined> {
  try {
    await toolchain.run(project);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
