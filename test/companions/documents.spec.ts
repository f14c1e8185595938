import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');

/** The code without what a formatter may change. */
const plain = (code: string) =>
  code
    .replaceAll(/\s+/g, '')
    .replaceAll(/,(?=[)\]}])/g, '')
    .replace(/;$/, '');

/** The parts of the documents with code of this folder. The text before a block of code names its file, else this one does. */
const SECTIONS = [
  { page: 'docs/companions.md', heading: '# With other libraries', file: '' },
  { page: 'docs/observability.md', heading: '## Health checks', file: 'test/companions/health.module.ts' },
  { page: 'docs/options.md', heading: '# Options', file: 'test/companions/config.ts' },
];

const blocks = SECTIONS.flatMap(({ page, heading, file }) => {
  const [, section] = new RegExp(`^${heading}\\n([^]*?)(?=^## |$(?![^]))`, 'm').exec(read(page))!;
  let named = file;
  return [...section!.matchAll(/`(test\/companions\/[^`]+\.ts)`|^```ts\n([^]*?)^```/gm)].flatMap(([, path, code]) => {
    named = path ?? named;
    return code === undefined ? [] : [{ page, file: named, code }];
  });
});

it.each(blocks)('the code in $page is that of $file', ({ file, code }) => {
  expect(plain(read(file))).toContain(plain(code));
});

it('all code of the sections was found', () => {
  expect(blocks).toHaveLength(12);
});
