import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Application,
  Comment,
  Converter,
  PageEvent,
  ReferenceType,
  ReflectionKind,
  type ParameterReflection,
  type TypeDocOptions,
} from 'typedoc';
import type { NavigationItem, PluginOptions } from 'typedoc-plugin-markdown';
import type { DefaultTheme } from 'vitepress';
import { PAGES, ROOT } from './folders.js';
import { purposesOfEntryPoints } from './pages.js';
import { condense } from './reference-text.js';

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
  // `npm run check` finds those.
  skipErrorChecking: true,
  // The manifest names no repository to link to.
  disableSources: true,
  excludeInternal: true,
  excludePrivate: true,
  excludeProtected: true,
  excludeExternals: true,
  router: 'member',
  entryFileName: 'index',
  hidePageHeader: true,
  useCodeBlocks: true,
  expandParameters: true,
  // Users look for functions and classes first, and for their types later.
  groupOrder:
    'Functions, Classes, Variables, Constructors, Properties, Accessors, Methods, Interfaces, Type Aliases'.split(', '),
  locales: { en: { kind_module: 'Entry point', kind_plural_module: 'Entry points' } },
  indexFormat: 'table',
  parametersFormat: 'table',
  navigationJson: NAVIGATION,
  // Types that only compute others: their results are what users see.
  intentionallyNotExported: [
    'lib/client/contract.ts:Arguments',
    'lib/client/contract.ts:BodyOf',
    'lib/client/contract.ts:FirstOf',
    'lib/client/contract.ts:Part',
    'lib/client/contract.ts:SecondOf',
    'lib/contract/define-contract.ts:Member',
    'lib/contract/define-contract.ts:Specs',
    'lib/contract/entries.ts:BodySchema',
    'lib/contract/entries.ts:CodeOf',
    'lib/contract/entries.ts:ResultSchema',
    'lib/contract/entries.ts:SchemaOf',
    'lib/nest/decorators/entry-handler.ts:EntryDecorator',
    'lib/protocol/messages.ts:EachEmptyOptional',
  ],
};

/** Writes the pages of the reference, from the docstrings. Fails on any warning: a link to nothing, a type that is not exported. */
export async function writeReference(): Promise<void> {
  const app = await Application.bootstrapWithPlugins(OPTIONS);
  const purposes = purposesOfEntryPoints();
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    project.comment = new Comment([{ kind: 'text', text: `The exports of each entry point of ${name}.` }]);
    for (const module of project.getChildrenByKind(ReflectionKind.Module)) {
      // The name is the folder in `lib`.
      module.name = ENTRY_POINTS.get(module.name === 'index' ? 'lib/index.ts' : `lib/${module.name}/index.ts`)!;
      module.comment = new Comment([{ kind: 'text', text: purposes.get(module.name)! }]);
    }
  });
  // By then, parameters have the names that docstrings give them.
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => {
    for (const parameter of project.getReflectionsByKind(ReflectionKind.Parameter) as ParameterReflection[]) {
      if (parameter.name === '__namedParameters') parameter.name = nameOf(parameter);
    }
  });
  app.renderer.on(PageEvent.END, (page) => {
    page.contents = condense(page.contents!);
  });
  const project = await app.convert();
  if (project) {
    app.validate(project);
    await app.generateOutputs(project);
  }
  if (app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error('the reference has the faults above');
}

/** A name for a parameter that the code only destructures: the last word of its type. */
function nameOf({ flags, type }: ParameterReflection): string {
  if (flags.isRest) return 'args';
  const [word = 'options'] = type instanceof ReferenceType ? (/[A-Z][a-z]+$/.exec(type.name) ?? []) : [];
  return word.toLowerCase();
}

/** One sidebar for each entry point, with its exports, and one for the list of the entry points. */
export function referenceSidebars(): DefaultTheme.SidebarMulti {
  const [main] = JSON.parse(readFileSync(NAVIGATION, 'utf8')) as NavigationItem[];
  // Those with a slash in their names are below the main one.
  const entryPoints = [main!, ...main!.children!.filter(isModule)].map(({ path, children = [] }) => ({
    text: path!.replace('/index.md', ''),
    link: linkTo(path!),
    children,
  }));
  const list = { text: 'Entry points', items: entryPoints.map(({ text, link }) => ({ text, link })) };
  const sidebars = entryPoints.map(({ text, link, children }): [string, DefaultTheme.SidebarItem[]] => [
    link,
    [{ text, link, items: [] }, ...itemsOf(children), list],
  ]);
  return { '/reference/': [list], ...Object.fromEntries(sidebars) };
}

function isModule({ kind }: NavigationItem): boolean {
  return kind === ReflectionKind.Module;
}

/** Exports that belong to another entry point have no page here. */
function itemsOf(navigation: readonly NavigationItem[]): DefaultTheme.SidebarItem[] {
  return navigation.flatMap((item): DefaultTheme.SidebarItem[] => {
    const { title, path, children = [] } = item;
    if (isModule(item)) return [];
    // Long names break between their words.
    if (path) return [{ text: title.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '<wbr>'), link: linkTo(path) }];
    const items = itemsOf(children);
    return items.length > 0 ? [{ text: title, items }] : [];
  });
}

function linkTo(path: string): string {
  return `/reference/${path.replace(/(index)?\.md$/, '')}`;
}
