import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { Document } from './documents.js';

const PAGES = readdirSync(fileURLToPath(new URL('../../docs/', import.meta.url)))
  .filter((name) => name.endsWith('.md'))
  .map((name) => [name, new Document(`docs/${name}`).text] as const);

/** The first paragraph of a page, which says what the page is for, as one line without links. */
function purposeOf(text: string): string {
  const [, paragraph = ''] = /^# .*\n+([^]*?)(?:\n\n|:\n)/.exec(text) ?? [];
  return paragraph.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/\s+/g, ' ');
}

it('docs/llms.txt lists all pages: vitest -u writes it', async () => {
  const lines = PAGES.map(([name, text]) => `- [${/^# (.*)/.exec(text)![1]}](${name}): ${purposeOf(text)}`);
  const [, summary = ''] = /^# .*\n+([^]*?)\n\n/.exec(new Document('README.md').text) ?? [];
  const text = [
    '# nestjs-webwire',
    `> ${summary.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll('\n', ' ')}`,
    '## Pages',
    lines.join('\n'),
  ];
  await expect(`${text.join('\n\n')}\n`).toMatchFileSnapshot('../../docs/llms.txt');
});

it.each(PAGES)('%s begins with a title and what it is for', (_, text) => {
  expect(text).toMatch(/^# \S/);
  expect(purposeOf(text)).toMatch(/^[A-Z`].{40,}/);
});
