import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import GithubSlugger from 'github-slugger';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Folders whose documents are for readers of the repository. */
const FOLDERS = ['', 'docs/', 'lib/', 'sample/', 'test/fixtures/', 'test/matrix/'];
const LEFT_OUT = /(^|\/)(node_modules|dist|CHANGELOG\.md)(\/|$)/;

/** A link of a document. */
export interface Link {
  readonly line: number;
  readonly target: string;
}

/** A document in Markdown. */
export class Document {
  /** The whole document. */
  readonly text: string;
  readonly #lines: string[];

  /** @param path From the root of the repository. */
  constructor(readonly path: string) {
    this.text = readFileSync(ROOT + path, 'utf8');
    this.#lines = withoutCode(this.text).split('\n');
  }

  /** The anchors of the headings, as GitHub and npm make them. */
  get anchors(): Set<string> {
    const slugger = new GithubSlugger();
    const headings = this.#lines.flatMap((line) => /^#{1,6} +(.*)$/.exec(line)?.[1] ?? []);
    return new Set(headings.map((heading) => slugger.slug(textOf(heading))));
  }

  /** The code blocks of a language under a heading, also under those below it. */
  codeBlocks(heading: string, language: string): string[] {
    const [, level = '', rest = ''] = new RegExp(`^(#+) ${heading}\n([^]*)`, 'm').exec(this.text) ?? [];
    const [section] = rest.split(new RegExp(`^#{1,${level.length}} `, 'm'));
    return [...section!.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, 'gm'))].map(([, code]) => code!);
  }

  /** All code blocks, in order. */
  get blocks(): { readonly language: string; readonly code: string }[] {
    const found = this.text.matchAll(/^( *)```(\w*)\n([^]*?)^ *```$/gm);
    return [...found].map(([, indent, language, code]) => ({
      language: language!,
      code: code!.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    }));
  }

  /** The links, with those of images. A link may be broken over two lines. */
  get links(): Link[] {
    const text = this.#lines.join('\n');
    return [...text.matchAll(/\]\(([^()\s]+)\)/g)].map(({ 1: target, index }) => ({
      line: text.slice(0, index).split('\n').length,
      target: target!,
    }));
  }
}

/** All documents, by their path from the root of the repository. */
export function readDocuments(): Map<string, Document> {
  const paths = FOLDERS.flatMap((folder) =>
    readdirSync(ROOT + folder, { recursive: folder !== '', encoding: 'utf8' })
      .map((file) => posix.join(folder, file))
      .filter((path) => path.endsWith('.md') && !LEFT_OUT.test(path)),
  );
  return new Map(paths.map((path) => [path, new Document(path)]));
}

/** Code is not searched for links, and a line of it may begin with `#`. */
function withoutCode(markdown: string): string {
  const withoutBlocks = markdown.replace(/^( *)(`{3,}|~{3,})[^]*?^ *\2/gm, (block) => block.replaceAll(/[^\n]/g, ''));
  return withoutBlocks.replace(/(`+)(?!`)[^]*?[^`]\1(?!`)/g, (code) => code.replaceAll(/[\][()]/g, ' '));
}

/** The text of a heading without its markup. */
function textOf(heading: string): string {
  return heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll('`', '');
}
