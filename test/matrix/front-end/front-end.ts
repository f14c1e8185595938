import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Row } from '../row.js';
import type { Stage } from '../stage.js';
import { bundlers, type Bundler } from './bundlers.js';
import { runBundle, startServer, writeProbe } from './probe.js';
import { checkMetroResolution } from './metro-resolution.js';
import { checkTypes, TYPES } from './types.js';

/** Parts of Nest, of Node.js and of the package `ws`, errors that browsers do not show, and calls and imports that a bundler has left. */
const NOT_IN_BUNDLES = /@nestjs|node:|ECONNREFUSED|\brequire\(|\bimport\b[^(]*\bfrom\b|permessage-deflate|proxy-addr/;

/**
 * Installs the packed package alone, as a front end does, bundles a client with each bundler, and runs each bundle with only the
 * globals that clients need.
 */
export const frontEndRow: Row = {
  name: 'front-end',
  does: 'bundles a client with Vite, webpack, esbuild, Rollup and Rspack, without Nest; resolves it as Metro does; checks types',
  inCi: true,
  async run(stage) {
    await stage.install({
      type: 'module',
      dependencies: { 'nestjs-webwire': await stage.tarball(), react: '^19.0.0' },
      devDependencies: {
        '@rollup/plugin-node-resolve': '^16.0.0',
        '@rspack/core': '^2.1.0',
        esbuild: '^0.28.0',
        'metro-resolver': '~0.83.0',
        rollup: '^4.50.0',
        ...TYPES,
        vite: '^8.0.0',
        webpack: '^5.100.0',
      },
    });
    await expectFewPackages(stage);
    await writeProbe(stage);
    await stage.write('hooks.js', "export * from 'nestjs-webwire/react';\n");
    const { url } = await startServer(stage);
    for (const bundler of bundlers) {
      await tryBundler(stage, bundler, url);
      console.log(`  passed: ${bundler.name}`);
    }
    await checkMetroResolution(stage);
    console.log('  passed: resolution of Metro');
    await checkTypes(stage);
  },
};

async function tryBundler(stage: Stage, { name, bundle }: Bundler, url: string): Promise<void> {
  const file = `bundles/${name}/main.js`;
  await bundle(stage, { entry: 'entry.js', file });
  const code = await readFile(join(stage.folder, file), 'utf8');
  const found = NOT_IN_BUNDLES.exec(code);
  if (found) throw new Error(`the bundle of ${name} contains ${found[0]}: ${around(code, found.index)}`);
  await runBundle(stage, 'browser', file, url);
  const hooks = `bundles/${name}/hooks.js`;
  await bundle(stage, { entry: 'hooks.js', file: hooks, external: 'react' });
  const hooksCode = await readFile(join(stage.folder, hooks), 'utf8');
  if (/@nestjs|node:/.test(hooksCode))
    throw new Error(`the hooks in the bundle of ${name} contain parts of Nest or Node.js`);
}

function around(text: string, index: number): string {
  return text.slice(Math.max(index - 60, 0), index + 60);
}

interface Tree {
  /** Missing if the package, an optional peer, is not installed. */
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, Tree>>;
}

/** npm installs no package of Nest with this one, and no types. React is one of the project. */
async function expectFewPackages(stage: Stage): Promise<void> {
  const { output } = await stage.exec('npm', ['ls', '--all', '--json']);
  const namesIn = ({ dependencies = {} }: Tree): string[] =>
    Object.entries(dependencies).flatMap(([name, tree]) =>
      tree.version === undefined ? [] : [name, ...namesIn(tree)],
    );
  const names = namesIn((JSON.parse(output) as Required<Tree>).dependencies['nestjs-webwire']!);
  const others = names.filter((name) => !['forwarded', 'ipaddr.js', 'proxy-addr', 'react', 'ws'].includes(name));
  if (others.length > 0) throw new Error(`npm has also installed ${others.join(', ')}`);
}
