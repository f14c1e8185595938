import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BLOCKS } from '../docs/blocks.js';
import { hasChromium, launchChromium } from './chromium.js';

const LIBRARY = createRequire(import.meta.url).resolve('@mermaid-js/tiny/dist/mermaid.tiny.js');

/** The diagrams of all documents, by their pages. */
const diagrams = [...BLOCKS].flatMap(([page, blocks]) =>
  blocks.filter(({ language }) => language === 'mermaid').map(({ name, code }) => ({ page, name, code })),
);

/** The library in the page. */
declare const mermaid: { render(id: string, source: string): Promise<{ svg: string }> };

describe.skipIf(!hasChromium)('the diagrams of the documents', () => {
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    browser = await launchChromium();
    page = await browser.newPage();
    await page.addScriptTag({ content: readFileSync(LIBRARY, 'utf8') });
  });
  afterAll(() => browser.close());

  it.each(diagrams)('$page: $name is drawn', async ({ code }) => {
    const svg = await page.evaluate(async (source) => (await mermaid.render('diagram', source)).svg, code);
    expect(svg).toMatch(/^<svg /);
  });
});
