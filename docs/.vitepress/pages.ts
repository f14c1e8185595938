import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, posix } from 'node:path';
import type { DefaultTheme } from 'vitepress';
import { PAGES, ROOT } from './folders.js';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

const documents = readdirSync(join(ROOT, 'docs'), { withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => `docs/${entry.name}`);

/** The page that shows a document of the repository. The site has no folders but that of the reference. */
const PAGE_OF = new Map([
  ['README.md', 'index.md'],
  ['CHANGELOG.md', 'changelog.md'],
  ['lib/redis/STATES.md', 'redis-states.md'],
  ...documents.map((path): [string, string] => [path, basename(path)]),
]);

/** Sections of the README that are on the home page. The others are about the repository, or are the sidebar. */
const HOME_SECTIONS = ['Install', 'A server and a client', 'When to use it, and when not'];

const HOME = `---
layout: home
hero:
  name: nestjs-webwire
  tagline: TAGLINE
  actions:
    - { text: Getting started, link: /getting-started }
    - { text: The client, link: /client, theme: alt }
    - { text: API reference, link: /reference/, theme: alt }
---
`;

/** Writes the pages for VitePress, from the documents of the repository. */
export function writePages(): void {
  mkdirSync(join(PAGES, 'public'), { recursive: true });
  for (const [path, page] of PAGE_OF) {
    if (!path.endsWith('.md')) cpSync(join(ROOT, path), join(PAGES, page));
    else writeFileSync(join(PAGES, page), withLinksOfSite(path, path === 'README.md' ? homePage() : read(path)));
  }
  // Programs read the documents as they are. `llms.txt` lists them.
  for (const path of documents) cpSync(join(ROOT, path), join(PAGES, 'public', basename(path)));
}

/** The sidebar has the groups of the README's section "Documentation", and the titles of the pages. */
export function sidebar(): DefaultTheme.SidebarItem[] {
  const groups = section('Documentation')
    .split('\n\n')
    .flatMap((paragraph) => {
      const [, text, links] = /^\*\*(\w+)\*\*: ([^]*)/.exec(paragraph) ?? [];
      const items = [...new Set(linksIn(links ?? ''))]
        .flatMap((path) => (path === 'docs/redis.md' ? [path, 'lib/redis/STATES.md'] : [path]))
        .map(itemOf);
      return items.length > 0 ? [{ text, items }] : [];
    });
  const start = { text: 'Start', items: ['docs/getting-started.md', 'docs/questions.md'].map(itemOf) };
  const all = [start, ...groups];
  const listed = new Set(all.flatMap(({ items }) => items.map(({ link }) => link)));
  const missing = documents.filter((path) => path.endsWith('.md') && !listed.has(itemOf(path).link));
  if (missing.length > 0) throw new Error(`the section "Documentation" of README.md does not name ${missing.join()}`);
  return all;
}

/** The first sentences of a page, for search engines and previews of links. The home page has those of the site. */
export function descriptionOf(page: string): string | undefined {
  if (page === 'index.md') return undefined;
  const text = readFileSync(join(PAGES, page), 'utf8').replaceAll(/^(---|```)$[^]*?^\1$|^```\w+$[^]*?^```$/gm, '');
  const paragraph = text.split(/\n{2,}/).find((part) => /^[\w`*]|^\[[^\]]*\]\([^)]*\) (?!\/)/.test(part));
  const plain = paragraph
    ?.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/[`*\\]|\b_|_\b/g, '')
    .replaceAll(/\s+/g, ' ');
  return plain && /^.{60,}?[.:](?= |$)|^.*/.exec(plain)![0].replace(/:$/, '.');
}

/** The table in docs/getting-started.md that says what each entry point is for. */
export function purposesOfEntryPoints(): Map<string, string> {
  const path = 'docs/getting-started.md';
  const rows = read(path).matchAll(/^\| `(nestjs-webwire[^`]*)` +\| (.*?) +\|$/gm);
  return new Map([...rows].map(([, name, purpose]) => [name!, withLinksOfSite(path, `For ${purpose}.`, '/')]));
}

function itemOf(path: string): { text: string; link: string } {
  const [, title = path] = /^# (.*)/m.exec(read(path)) ?? [];
  return { text: title.replaceAll('`', ''), link: `/${PAGE_OF.get(path)!.replace(/\.md$/, '')}` };
}

/** The documents to which a text links, without links to parts of them. */
function linksIn(markdown: string): string[] {
  return [...markdown.matchAll(/\]\(([^()#\s]+\.md)\)/g)].map(([, path]) => path!);
}

function homePage(): string {
  const [, tagline = ''] = /^# .*\n+([^]*?\.)\s/.exec(read('README.md')) ?? [];
  const text = tagline.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll('\n', ' ');
  const [picture = ''] = /^!\[[^\]]*\]\([^)]*\)$/m.exec(read('README.md')) ?? [];
  const sections = HOME_SECTIONS.map((heading) => `## ${heading}\n${section(heading)}`);
  return [HOME.replace('TAGLINE', JSON.stringify(text)), picture, ...sections].join('\n');
}

/** The text under a heading of the README. */
function section(heading: string): string {
  const [, text] = new RegExp(`^## ${heading}\n([^]*?)(?=^## )`, 'm').exec(read('README.md')) ?? [];
  if (text === undefined) throw new Error(`README.md has no section "${heading}", from which the site is made`);
  return text;
}

/** Links between documents, which are those of the repository, become links between pages. */
function withLinksOfSite(path: string, markdown: string, folder = './'): string {
  return markdown.replaceAll(/\]\(([^()#\s]+)/g, (link, target: string) => {
    const page = PAGE_OF.get(posix.join(dirname(path), target));
    if (!page) return link;
    // VitePress takes other files from the folder `public`.
    return `](${page.endsWith('.txt') ? '/' : folder}${page}`;
  });
}
