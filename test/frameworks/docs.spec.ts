import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const PAGES = ['docs/frameworks.md', 'docs/tanstack-query.md'].map((path) => {
  const file = fileURLToPath(new URL(`../../${path}`, import.meta.url));
  return { path, file, text: readFileSync(file, 'utf8') };
});
const FOLDER = fileURLToPath(new URL('page', import.meta.url));

/** The name of a file, and the block of code after it. */
const BLOCK = /^`(\S+)`:\n\n```\w+\n([^]*?)^```$/gm;

const namesIn = (text: string) => [...text.matchAll(BLOCK)].map(([, name]) => name!);

it.each(PAGES)('the code of $path is that of the files that it names', async ({ file, text }) => {
  const filled = text.replaceAll(BLOCK, (block, name: string, code: string) => {
    const beginning = block.slice(0, block.length - code.length - '```'.length);
    return `${beginning}${readFileSync(`${FOLDER}/${name}`, 'utf8')}\`\`\``;
  });
  // `npx vitest run --config test/vitest.config.ts test/frameworks/docs.spec.ts -u` copies the files into the page.
  await expect(filled).toMatchFileSnapshot(file);
});

it.each(PAGES)('all code of $path is in a file', ({ text }) => {
  expect(namesIn(text)).toHaveLength(text.match(/^```\w+$/gm)!.length);
});

it('the pages have all recipes', async () => {
  const files = (await readdir(FOLDER, { recursive: true })).map((file) => file.replaceAll('\\', '/'));
  const recipes = files.filter(
    (file) => /\.(ts|tsx|vue|svelte)$/.test(file) && !/(^|\/)main\.tsx?$|\.spec\.ts$/.test(file),
  );
  expect(PAGES.flatMap(({ text }) => namesIn(text)).sort()).toEqual(recipes.sort());
});
