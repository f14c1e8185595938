import type { ModuleType } from './project.js';
import type { Toolchain } from './toolchain.js';

/** Options with which SWC writes what TypeScript writes for decorators: types in the metadata, too. */
export const SWC_OPTIONS = {
  jsc: {
    target: 'es2022',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
  },
};

export const swcToolchains: readonly Toolchain[] = [swc('module'), swc('commonjs')];

function swc(type: ModuleType): Toolchain {
  return {
    name: `swc-${type}`,
    type,
    async run(project) {
      const module = { type: type === 'module' ? 'es6' : 'commonjs' };
      await project.write('.swcrc', JSON.stringify({ ...SWC_OPTIONS, module }));
      await project.exec('npx', ['swc', 'src', '-d', 'dist', '--strip-leading-paths', '--ignore', '**/*.test.ts']);
      await project.run();
    },
  };
}
