import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { SampleProgram } from '../support/sample-program.js';
import { findBarriers, findFaintTexts } from './audit.js';
import { hasChromium, launchChromium } from './chromium.js';
import { failOnPageErrors } from './page-errors.js';

describe.skipIf(!hasChromium)('the sample of streams in a browser', () => {
  let browser: Browser;
  let server: SampleProgram;
  let page: Page;

  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  beforeEach(async () => {
    server = new SampleProgram('07-streams', 'src/main.js');
    const [, url] = await server.says(/Open (http:\/\/localhost:\d+\/) in a browser/);
    onTestFinished(() => server.assertNoComplaints());
    page = await browser.newPage();
    failOnPageErrors(page);
    await page.goto(url!);
    await page.getByText('connected', { exact: true }).waitFor();
  });

  const button = (name: string) => page.getByRole('button', { name });
  const textOf = (id: string) => page.locator(`#${id}`).textContent();
  const numberIn = async (id: string) => Number(await textOf(id));

  /** Waits until a counter of the page has a value. */
  async function counts(id: string, isExpected: (count: number) => boolean): Promise<void> {
    await expect.poll(async () => isExpected(await numberIn(id))).toBe(true);
  }

  it('ends the generator of a text with the button "Stop"', async () => {
    await button('Write').click();
    await page.getByText(/^Once upon a time \w+ \w+/).waitFor();
    await counts('writers', (writers) => writers === 1);
    await button('Stop').click();
    await page.getByText('Stopped.').waitFor();
    const [, written] = await server.says(/Stopped after (\d+) of 500 words/);
    await counts('writers', (writers) => writers === 0);
    expect(await numberIn('words')).toBe(Number(written));

    // Another text can be written.
    await button('Write').click();
    await counts('writers', (writers) => writers === 1);
  });

  it('ends the generator of a text when the page is closed', async () => {
    await button('Write').click();
    await counts('writers', (writers) => writers === 1);
    await page.close();
    await server.says(/Stopped after \d+ of 500 words/);
  });

  it('takes as few prices from the market as a slow page does', async () => {
    await counts('shown', (shown) => shown > 100);
    await page.getByRole('checkbox').check();
    await counts('skipped', (skipped) => skipped > 100);
    const [made, taken, shown] = [await numberIn('prices'), await numberIn('taken'), await numberIn('shown')];
    expect(taken).toBeLessThan(made);
    expect(taken - shown).toBeLessThanOrEqual(64);
  });

  it('stops a search in the archive with the button "Cancel"', async () => {
    await button('Search').click();
    await counts('searches', (searches) => searches === 1);
    await button('Cancel').click();
    await server.says(/A search was stopped/);
    await counts('searches', (searches) => searches === 0);
    await page.locator('#query').fill('engines');
    await button('Search').click();
    await page.getByText('Found a document about engines.').waitFor();
  });

  it('has no barriers', async () => {
    expect(await page.evaluate(findBarriers)).toEqual([]);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await page.evaluate(findFaintTexts)).toEqual([]);
    }
  });
});
