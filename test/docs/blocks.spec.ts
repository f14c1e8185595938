import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { BLOCKS, blocksThatRun, DECISIONS } from './blocks.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

describe('the code blocks of the documents', () => {
  const run = blocksThatRun();

  it.each([...BLOCKS])(
    'are all run, or there is a reason: in a context with `// Prints:`, or in blocks.ts: %s',
    (page, blocks) => {
      const decided = [...run.get(page)!, ...Object.keys(DECISIONS[page] ?? {})];
      // Each block by one test.
      expect(decided.sort()).toEqual(blocks.map(({ name }) => name).sort());
    },
  );

  it('are on the pages of blocks.ts', () => {
    expect(Object.keys(DECISIONS).filter((page) => !BLOCKS.has(page))).toEqual([]);
  });

  it.each(Object.entries(DECISIONS))('%s: are in these tests', async (_page, decisions) => {
    const missing: string[] = [];
    for (const [name, decision] of Object.entries(decisions)) {
      if ('not' in decision) continue;
      const test = await readFile(ROOT + decision.in, 'utf8');
      if (!test.includes(decision.as!)) missing.push(`${name}: ${decision.in}: ${decision.as}`);
    }
    expect(missing).toEqual([]);
  });

  it('in JSON can be parsed', () => {
    const json = [...BLOCKS.values()].flat().filter(({ language }) => language === 'json');
    expect(json.length).toBeGreaterThan(3);
    for (const { code } of json) JSON.parse(code);
  });
});
