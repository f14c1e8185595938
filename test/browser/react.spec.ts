import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../support/free-port.js';
import { SampleProgram } from '../support/sample-program.js';
import { findBarriers, findFaintTexts } from './audit.js';
import { hasChromium, launchChromium, PATIENCE } from './chromium.js';
import { failOnPageErrors, isFailedConnection } from './page-errors.js';

const SCREENSHOTS = fileURLToPath(new URL('screenshots', import.meta.url));

describe.skipIf(!hasChromium)('the sample of React in a browser', () => {
  let browser: Browser;
  let server: SampleProgram;
  let port: number;
  /** Once it was, the browser may report that it could not connect. */
  let wasServerStopped: boolean;

  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  beforeEach(async () => {
    wasServerStopped = false;
    port = await freePort();
    await startServer();
  });

  async function startServer(): Promise<void> {
    const started = new SampleProgram('09-react', 'src/main.js', { port: String(port) });
    server = started;
    onTestFinished(() => started.assertNoComplaints());
    await server.says(/Open http:\/\/localhost:\d+\/ in a browser/);
  }

  async function stopServer(): Promise<void> {
    wasServerStopped = true;
    await server.end('SIGTERM');
  }

  async function open(options?: BrowserContextOptions): Promise<Page> {
    const page = await browser.newPage(options);
    page.setDefaultTimeout(PATIENCE);
    failOnPageErrors(page, (text) => wasServerStopped && isFailedConnection(text));
    await page.goto(`http://localhost:${port}/`);
    await page.getByText('connected', { exact: true }).waitFor();
    return page;
  }

  const meal = (page: Page, name: string, votes: number) =>
    page.getByRole('button', { name: `${name} ${votes}`, exact: true });
  const cheered = (page: Page) => page.getByRole('log').getByRole('listitem').allTextContents();

  it('shows the votes of all pages', async () => {
    const [one, other] = [await open(), await open()];
    await one.getByText('0 of 2 open pages have voted.').waitFor();
    await meal(one, 'Curry', 0).click();
    await meal(other, 'Curry', 1).click();
    await meal(one, 'Curry', 2).waitFor();
    await meal(one, 'Ramen', 0).click();
    await meal(other, 'Ramen', 1).waitFor();
    await meal(other, 'Curry', 1).waitFor();
    expect(await meal(one, 'Ramen', 1).getAttribute('aria-pressed')).toBe('true');
    await one.close();
    await other.getByText('1 of 1 open pages have voted.').waitFor();
  });

  it('shows each cheer once on each page', async () => {
    const [one, other] = [await open(), await open()];
    await one.getByText('0 of 2 open pages').waitFor();
    await one.getByRole('button', { name: 'Hooray!' }).click();
    await expect.poll(() => cheered(other)).toEqual(['Hooray!']);
    await other.getByRole('button', { name: 'Yummy!' }).click();
    for (const page of [one, other]) await expect.poll(() => cheered(page)).toEqual(['Hooray!', 'Yummy!']);
    for (let count = 0; count < 12; count++) await one.getByRole('button', { name: 'Hurry!' }).click();
    await expect.poll(() => cheered(other)).toEqual(Array(12).fill('Hurry!'));
  });

  it('shows a restart of the server, and votes again', async () => {
    const page = await open();
    await meal(page, 'Pizza', 0).click();
    await meal(page, 'Pizza', 1).waitFor();
    await stopServer();
    await page.getByText('reconnecting', { exact: true }).waitFor();
    await page.getByText('These are the last results').waitFor();
    await meal(page, 'Pizza', 1).waitFor();
    expect(await page.getByRole('button', { name: 'Hurry!' }).isDisabled()).toBe(true);
    // The vote of a page that is not connected is sent later.
    await meal(page, 'Salad', 0).click();
    await startServer();
    await page.getByText('connected', { exact: true }).waitFor();
    await meal(page, 'Pizza', 0).waitFor();
    await meal(page, 'Salad', 1).waitFor();
    await page.getByRole('button', { name: 'Hurry!' }).click();
    await expect.poll(() => cheered(page)).toEqual(['Hurry!']);
  });

  it.each([
    ['a phone', { viewport: { width: 360, height: 740 } }],
    ['a desktop', { viewport: { width: 1280, height: 800 } }],
  ])('has no barriers on %s', async (name, options) => {
    // An animation shows faint texts.
    const page = await open({ ...options, reducedMotion: 'reduce' });
    await meal(page, 'Curry', 0).click();
    await meal(page, 'Curry', 1).waitFor();
    await page.getByRole('button', { name: 'Hooray!' }).click();
    await expect.poll(() => cheered(page)).toHaveLength(1);
    expect(await page.evaluate(findBarriers)).toEqual([]);
    await mkdir(SCREENSHOTS, { recursive: true });
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await page.evaluate(findFaintTexts)).toEqual([]);
      await page.screenshot({ path: `${SCREENSHOTS}/react-${name.replaceAll(' ', '-')}-${colorScheme}.png` });
    }
    // Nothing has to be scrolled sideways.
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
  });
});
