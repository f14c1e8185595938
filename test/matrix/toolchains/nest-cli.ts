import { EXTERNALS } from './bundlers.js';
import type { ModuleType } from './project.js';
import type { Toolchain } from './toolchain.js';

type Builder = 'tsc' | 'swc' | 'webpack' | 'rspack';

/** The type of modules is that of the applications which the version of the CLI generates. */
export const nest12Builds = (['tsc', 'swc', 'rspack'] as const).map((builder) => nestBuild('module', builder));
export const nest11Builds = [
  ...(['tsc', 'swc', 'webpack'] as const).map((builder) => nestBuild('commonjs', builder)),
  nestBundle(),
];

function nestBuild(type: ModuleType, builder: Builder): Toolchain {
  return {
    name: `nest-build-${builder}`,
    type,
    async run(project) {
      // With a `rootDir`, version 11 of the CLI lets SWC write into `dist/src`.
      await project.configure(builder === 'swc' ? { rootDir: undefined } : {});
      await project.write('nest-cli.json', JSON.stringify({ sourceRoot: 'src', compilerOptions: { builder } }));
      await project.exec('npx', ['nest', 'build']);
      await project.run();
    },
  };
}

/** `nest build` with webpack and a configuration that bundles all packages, too. */
function nestBundle(): Toolchain {
  return {
    name: 'nest-build-webpack-all',
    type: 'commonjs',
    async run(project) {
      await project.configure();
      await project.write(
        'nest-cli.json',
        JSON.stringify({ sourceRoot: 'src', compilerOptions: { builder: 'webpack' } }),
      );
      await project.write(
        'webpack.config.cjs',
        `module.exports = (options) => ({
          ...options,
          externals: ${EXTERNALS},
          output: { ...options.output, filename: 'main.cjs' },
        });`,
      );
      await project.exec('npx', ['nest', 'build', '--webpackPath', 'webpack.config.cjs']);
      await project.runAlone('dist/main.cjs');
    },
  };
}
