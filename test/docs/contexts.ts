import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readDocuments } from './documents.js';

/** Folder of the contexts, with a slash at its end. */
export const CONTEXTS = fileURLToPath(new URL('contexts/', import.meta.url));

const LANGUAGES = new Set(['ts', 'tsx']);

/** The blocks of TypeScript of each page. */
export const pages = new Map(
  [...readDocuments().values()]
    .filter(({ path }) => path === 'README.md' || path.startsWith('docs/'))
    .map((page) => [page.path, page.blocks.filter(({ language }) => LANGUAGES.has(language)).map(({ code }) => code)]),
);

/**
 * A program around code of a page: a comment `// block 2` stands for the second block of TypeScript. If it ends with a comment that
 * begins with `// Prints:`, it can be run.
 */
export interface Context {
  readonly page: string;
  readonly blocks: readonly number[];
  /** The program with the code of the page. */
  readonly code: string;
  /** The lines that the program prints, if it can be run. */
  readonly output: string | undefined;
}

/** All contexts, by the names of their files. */
export const contexts: ReadonlyMap<string, Context> = new Map(
  readdirSync(CONTEXTS).map((name) => {
    const text = readFileSync(CONTEXTS + name, 'utf8');
    const [, page = ''] = /^\/\/ (.*)\n/.exec(text) ?? [];
    const blocks = [...text.matchAll(/^ *\/\/ block (\d+)$/gm)].map(([, number]) => Number(number));
    const code = text.replaceAll(/^ *\/\/ block (\d+)$/gm, (_, number) => pages.get(page)?.[Number(number) - 1] ?? '');
    const [, printed] = /^\/\/ Prints:\n((?:\/\/.*\n)+)$/m.exec(text) ?? [];
    return [name, { page, blocks, code, output: printed?.replaceAll(/^\/\/ ?/gm, '') } satisfies Context];
  }),
);
