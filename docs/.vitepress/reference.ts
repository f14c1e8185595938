import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Application, Converter, ReflectionKind, type TypeDocOptions } from 'typedoc';
import type { PluginOptions } from 'typedoc-plugin-markdown';
import type { DefaultTheme } from 'vitepress';
import { PAGES, ROOT } from './folders.js';

const NAVIGATION = join(PAGES, 'reference.json');

const { name, exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  name: string;
  exports: Record<string, { types: string } | string>;
};

/** The source of each entry point, and the specifier that imports it. */
const ENTRY_POINTS = new Map(
  Object.entries(exports).flatMap(([path, files]): [string, string][] => {
    if (typeof files === 'string') return [];
    return [[files.types.replace(/^\.\/dist\/(.*)\.d\.ts$/, 'lib/$1.ts'), name + path.slice(1)]];
  }),
);

const OPTIONS: TypeDocOptions & PluginOptions = {
  name: 'API reference',
  entryPoints: [...ENTRY_POINTS.keys()],
  tsconfig: 'lib/tsconfig.json',
  plugin: ['typedoc-plugin-markdown'],
  out: join(PAGES, 'reference'),
  readme: 'none',
  // The manifest names no repository to link to.
  disableSources: true,
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  router: 'member',
  entryFileName: 'index',
  hidePageHeader: true,
  useCodeBlocks: true,
  navigationJson: NAVIGATION,
};

/** Writes the pages of the reference, from the docstrings. Fails on any warning: a link to nothing, a type that is not exported. */
export async function writeReference(): Promise<void> {
  const app = await Application.bootstrapWithPlugins(OPTIONS);
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getChildrenByKind(ReflectionKind.Module)) {
      module.name = ENTRY_POINTS.get(module.name === 'index' ? 'lib/index.ts' : `lib/${module.name}/index.ts`)!;
    }
  });
  const project = await app.convert();
  if (project) {
    app.validate(project);
    await app.generateOutputs(project);
  }
  if (app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error('the reference has the faults above');
}
