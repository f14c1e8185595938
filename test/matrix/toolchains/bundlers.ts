import { SWC_OPTIONS } from './swc.js';
import type { Toolchain } from './toolchain.js';

/** Optional packages that Nest loads if they are installed. The application does not have them. */
const OPTIONAL = [
  '@nestjs/microservices',
  '@nestjs/microservices/microservices-module',
  '@nestjs/microservices/microservices-module.js',
  '@nestjs/platform-socket.io',
];

/** Option of webpack and rspack: optional packages stay outside of the bundle. */
export const EXTERNALS = JSON.stringify(Object.fromEntries(OPTIONAL.map((name) => [name, `commonjs ${name}`])));

/** In a bundle of ES modules, packages of CommonJS call `require()`, which Node.js gives to CommonJS only. */
const REQUIRE =
  "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);";

export const bundlerToolchains: readonly Toolchain[] = [esbuild('esm'), esbuild('cjs'), rspack()];

/** Bundles the output of TypeScript, because esbuild itself does not write types into the metadata of decorators. */
function esbuild(format: 'esm' | 'cjs'): Toolchain {
  const file = format === 'esm' ? 'bundle/main.mjs' : 'bundle/main.cjs';
  return {
    name: `esbuild-${format}`,
    type: 'module',
    async run(project) {
      await project.configure();
      await project.tsc('typescript');
      const args = ['dist/main.js', '--bundle', '--platform=node', `--format=${format}`, `--outfile=${file}`];
      args.push(...OPTIONAL.map((name) => `--external:${name}`));
      if (format === 'esm') args.push(`--banner:js=${REQUIRE}`);
      await project.exec('npx', ['esbuild', ...args]);
      await project.runAlone(file);
    },
  };
}

/** Compiles with the SWC that rspack contains, and bundles all packages. */
function rspack(): Toolchain {
  const config = `export default {
    mode: 'production',
    target: 'node20',
    entry: './src/main.ts',
    output: { path: import.meta.dirname + '/bundle', filename: 'main.cjs' },
    resolve: { extensions: ['.ts', '.js'], extensionAlias: { '.js': ['.ts', '.js'] } },
    module: {
      rules: [{ test: /\\.ts$/, loader: 'builtin:swc-loader', options: ${JSON.stringify(SWC_OPTIONS)} }],
      // One file: what is imported dynamically is in it, too.
      parser: { javascript: { dynamicImportMode: 'eager' } },
    },
    externals: ${EXTERNALS},
  };`;
  return {
    name: 'rspack',
    type: 'module',
    async run(project) {
      await project.write('rspack.config.mjs', config);
      await project.exec('npx', ['rspack', 'build', '-c', 'rspack.config.mjs']);
      await project.runAlone('bundle/main.cjs');
    },
  };
}
