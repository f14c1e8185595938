import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readDocuments } from './documents.js';

/** Folder of the contexts, with a slash at its end. */
export const CONTEXTS = fileURLToPath(new URL('contexts/', import.meta.url));

const LANGUAGES: ReadonlySet<string> = new Set(['ts', 'tsx']);

/** The blocks of TypeScript of each page. */
export const pages = new Map(
  [...readDocuments().values()]
    .filter(({ path }) => path === 'README.md' || path.startsWith('docs/'))
    .map((page) => [page.path, page.blocks.filter(({ language }) => LANGUAGES.has(language)).map(({ code }) => code)]),
);

/** A block of a page, or some of its lines, and its place in a program. */
export interface Excerpt {
  /** Number of the block among those of TypeScript on its page, from 1. */
  readonly block: number;
  /** The lines of the block, from 1. */
  readonly lines: readonly number[];
  /** Its first line in the program, from 0, and the first one after it. */
  readonly start: number;
  readonly end: number;
}

/**
 * A program around code of a page: a comment `// block 2` stands for the second block of TypeScript, and `// block 2, lines 3 to 5`
 * for a part of it. If the program ends with a comment that begins with `// Prints:`, it is run. It shares a process with others, unless
 * it has a comment `// Alone: ` with the reason.
 */
export interface Context {
  readonly page: string;
  readonly excerpts: readonly Excerpt[];
  /** The program with the code of the page. */
  readonly code: string;
  /** The lines that the program prints, if it is run. */
  readonly output: string | undefined;
  readonly isAlone: boolean;
  /** The names of the contexts that it imports. */
  readonly imports: readonly string[];
}

/** All contexts, by the names of their files. */
export const contexts: ReadonlyMap<string, Context> = new Map(
  readdirSync(CONTEXTS).map((name) => [name, read(readFileSync(CONTEXTS + name, 'utf8'))]),
);

function read(text: string): Context {
  const [, page = ''] = /^\/\/ (.*)\n/.exec(text) ?? [];
  const excerpts: Excerpt[] = [];
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    const [, block, first, last] = /^ *\/\/ block (\d+)(?:, lines (\d+) to (\d+))?$/.exec(line) ?? [];
    if (block === undefined) {
      lines.push(line);
      continue;
    }
    const all = (pages.get(page)?.[Number(block) - 1] ?? '').trimEnd().split('\n');
    const taken = all.map((_, index) => index + 1).slice(Number(first ?? 1) - 1, Number(last ?? Infinity));
    const start = lines.length;
    lines.push(...taken.map((number) => all[number - 1]!));
    excerpts.push({ block: Number(block), lines: taken, start, end: lines.length });
  }
  const [, printed] = /^\/\/ Prints:\n((?:\/\/.*\n)+)$/m.exec(text) ?? [];
  return {
    page,
    excerpts,
    code: lines.join('\n'),
    output: printed?.replaceAll(/^\/\/ ?/gm, ''),
    isAlone: /^\/\/ Alone: \S/m.test(text),
    imports: [...text.matchAll(/ from '\.\/([\w.-]+)\.js';$/gm)].map(([, imported]) => `${imported}.ts`),
  };
}

/** A program, and all that it imports. */
export function withImports(name: string): string[] {
  return [name, ...contexts.get(name)!.imports.flatMap((imported) => withImports(imported))];
}
