import type { Stage } from '../stage.js';

interface BundleOptions {
  readonly entry: string;
  /** The bundle, one file. */
  readonly file: string;
  /** A package that stays outside of the bundle (default: none). */
  readonly external?: string;
}

/** A bundler, used as a front end would use it for browsers. */
export interface Bundler {
  readonly name: string;
  readonly bundle: (stage: Stage, options: BundleOptions) => Promise<void>;
}

export const bundlers: readonly Bundler[] = [
  { name: 'vite', bundle: runProgram(vite) },
  { name: 'webpack', bundle: runProgram((options) => webpack('webpack', options)) },
  { name: 'rspack', bundle: runProgram((options) => webpack('@rspack/core', options)) },
  { name: 'rollup', bundle: runProgram(rollup) },
  {
    name: 'esbuild',
    async bundle(stage, { entry, file, external }) {
      const kind = external === undefined ? ['--format=iife'] : ['--format=esm', `--external:${external}`];
      await stage.exec('npx', ['esbuild', entry, '--bundle', '--minify', `--outfile=${file}`, ...kind]);
    },
  },
];

/** Runs a program that calls the API of a bundler. */
function runProgram(program: (options: BundleOptions) => string): Bundler['bundle'] {
  return async (stage, options) => {
    await stage.write('bundle.mjs', program(options));
    await stage.exec('node', ['bundle.mjs']);
  };
}

/** Splits a path into what bundlers want separately. */
function split(file: string): { folder: string; name: string } {
  const end = file.lastIndexOf('/');
  return { folder: file.slice(0, end), name: file.slice(end + 1) };
}

function vite({ entry, file, external }: BundleOptions): string {
  const { folder, name } = split(file);
  return `import { build } from 'vite';
    await build({
      configFile: false,
      build: {
        outDir: '${folder}',
        emptyOutDir: false,
        lib: {
          entry: '${entry}',
          name: 'bundle',
          formats: ['${external === undefined ? 'iife' : 'es'}'],
          fileName: () => '${name}',
        },
        rolldownOptions: { external: ${JSON.stringify(external === undefined ? [] : [external])} },
      },
    });`;
}

/** Rspack has the API of webpack. */
function webpack(from: string, { entry, file, external }: BundleOptions): string {
  const { folder, name } = split(file);
  const externals = external === undefined ? {} : { [external]: external };
  return `import * as module from '${from}';
    const { default: bundle = module.rspack } = module;
    const compiler = bundle({
      mode: 'production',
      target: 'web',
      entry: './${entry}',
      output: { path: import.meta.dirname + '/${folder}', filename: '${name}' },
      externals: ${JSON.stringify(externals)},
    });
    compiler.run((error, stats) => {
      const problems = error ?? (stats.hasErrors() || stats.hasWarnings() ? stats.toString({ all: false, errors: true, warnings: true }) : undefined);
      if (problems) console.error(problems);
      process.exitCode = problems ? 1 : 0;
      compiler.close(() => {});
    });`;
}

function rollup({ entry, file, external }: BundleOptions): string {
  return `import { nodeResolve } from '@rollup/plugin-node-resolve';
    import { rollup } from 'rollup';
    const bundle = await rollup({
      input: '${entry}',
      external: ${JSON.stringify(external === undefined ? [] : [external])},
      plugins: [nodeResolve({ browser: true })],
      onwarn({ code, message }) {
        // "use client" of the hooks has no meaning in a bundle.
        if (code !== 'MODULE_LEVEL_DIRECTIVE') throw new Error(message);
      },
    });
    await bundle.write({ file: '${file}', format: '${external === undefined ? 'iife' : 'es'}' });`;
}
