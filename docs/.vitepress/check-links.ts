import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { SITE } from './folders.js';

/**
 * VitePress checks the pages to which links lead. This checks the headings, and that no page loads anything from elsewhere.
 * @param base The path at which the site is, such as `/`.
 */
export function checkLinks(base: string): void {
  const pages = new Map(
    readdirSync(SITE, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.html'))
      .map((path) => [path, readFileSync(join(SITE, path), 'utf8')]),
  );
  const idsOf = new Map([...pages].map(([path, html]) => [path, new Set(matches(html, / id="([^"]*)"/g))]));
  const faults = [...pages].flatMap(([path, html]) => [
    ...matches(html, / href="([^":]*#[^"]+)"/g)
      .filter((target) => {
        const [file = '', anchor = ''] = target.split('#');
        const page = file === '' ? path : withName(pathBelow(base, file, path));
        return !idsOf.get(page)?.has(decodeURIComponent(anchor));
      })
      .map((target) => `${path}: no heading for ${target}`),
    ...matches(html, /<(?:script|img|link|iframe)\b[^>]* (?:src|href)="((?:https?:)?\/\/[^"]*)"/g).map(
      (target) => `${path}: loads ${target}`,
    ),
  ]);
  if (faults.length > 0) throw new Error(`the site has faults:\n${faults.join('\n')}`);
}

function pathBelow(base: string, target: string, page: string): string {
  return target.startsWith(base) ? target.slice(base.length) : posix.join(posix.dirname(page), target);
}

function withName(path: string): string {
  return path === '' || path.endsWith('/') ? `${path}index.html` : path;
}

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, found]) => found!);
}
