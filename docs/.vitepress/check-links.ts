import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { SITE } from './folders.js';

/** VitePress checks the pages to which links lead. This checks the headings, and that no page loads anything from elsewhere. */
export function checkLinks(): void {
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
        const page = file === '' ? path : posix.join(posix.dirname(path), file);
        return !idsOf.get(page)?.has(decodeURIComponent(anchor));
      })
      .map((target) => `${path}: no heading for ${target}`),
    ...matches(html, /<(?:script|img|link|iframe)\b[^>]* (?:src|href)="((?:https?:)?\/\/[^"]*)"/g).map(
      (target) => `${path}: loads ${target}`,
    ),
  ]);
  if (faults.length > 0) throw new Error(`the site has faults:\n${faults.join('\n')}`);
}

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, found]) => found!);
}
