import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const PAGE = fileURLToPath(new URL('../../docs/frameworks.md', import.meta.url));
const FOLDER = fileURLToPath(new URL('page', import.meta.url));

/** The name of a file, and the block of code after it. */
const BLOCK = /^`(\S+)`:\n\n```\w+\n([^]*?)^```$/gm;

const page = readFileSync(PAGE, 'utf8');
const blocks = [...page.matchAll(BLOCK)].map(([, file, code]) => ({ file: file!, code: code! }));

it('the code of docs/frameworks.md is that of the files that it names', async () => {
  const filled = page.replaceAll(BLOCK, (block, file: string, code: string) => {
    const beginning = block.slice(0, block.length - code.length - '```'.length);
    return `${beginning}${readFileSync(`${FOLDER}/${file}`, 'utf8')}\`\`\``;
  });
  // `npx vitest run --config test/vitest.config.ts test/frameworks/docs.spec.ts -u` copies the files into the page.
  await expect(filled).toMatchFileSnapshot(PAGE);
});

it('all code of docs/frameworks.md is in a file', () => {
  expect(blocks).toHaveLength(page.match(/^```\w+$/gm)!.length);
});

it('docs/frameworks.md has all recipes', async () => {
  const files = (await readdir(FOLDER, { recursive: true })).map((file) => file.replaceAll('\\', '/'));
  const recipes = files.filter(
    (file) => /\.(ts|tsx|vue|svelte)$/.test(file) && !/(^|\/)main\.tsx?$|\.spec\.ts$/.test(file),
  );
  expect(blocks.map(({ file }) => file).sort()).toEqual(recipes.sort());
});
