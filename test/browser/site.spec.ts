import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { preview, type PreviewServer } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasChromium, launchChromium, PATIENCE } from './chromium.js';
import { failOnPageErrors } from './page-errors.js';

const SITE = fileURLToPath(new URL('../../.site/html', import.meta.url));

describe.skipIf(!hasChromium)('the site in a browser', () => {
  let browser: Browser;
  let server: PreviewServer;
  let url: string;

  beforeAll(async () => {
    if (!existsSync(SITE)) throw new Error(`there is no site at ${SITE}: build it by \`npm run docs\``);
    browser = await launchChromium();
    server = await preview({
      configFile: false,
      logLevel: 'warn',
      appType: 'mpa',
      build: { outDir: SITE },
      preview: { port: 0, host: '127.0.0.1' },
    });
    url = server.resolvedUrls!.local[0]!;
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  /** Opens a page. The test fails if it sends a request to another site, or if a request fails. */
  async function open(path: string, width = 1440): Promise<Page> {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: 'light' });
    page.setDefaultTimeout(PATIENCE);
    const report = failOnPageErrors(page);
    page.on('request', (request) => {
      if (!request.url().startsWith(url) && !request.url().startsWith('data:')) report(`sent ${request.url()}`);
    });
    page.on('response', (response) => {
      if (response.status() >= 400) report(`${response.url()}: ${response.status()}`);
    });
    await page.goto(url + path, { waitUntil: 'networkidle' });
    return page;
  }

  const backgroundOf = (page: Page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

  it('leads from the home page to the reference of the client', async () => {
    const page = await open('');
    await page.getByRole('heading', { level: 1, name: 'nestjs-webwire' }).waitFor();
    await page.locator('.VPHome').getByRole('link', { name: 'API reference' }).click();
    await page.locator('main').getByRole('link', { name: 'nestjs-webwire/client', exact: true }).click();
    await page.locator('main').getByRole('link', { name: 'WebwireClient', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'Class: WebwireClient' }).waitFor();
    await page.getByRole('heading', { name: 'request()' }).waitFor();
  });

  it('finds pages', async () => {
    const page = await open('');
    await page.keyboard.press('Control+k');
    await page.getByRole('searchbox').fill('session');
    const result = page.getByRole('option', { name: 'Your own store' });
    await result.click();
    await page.getByRole('heading', { level: 1, name: 'Sessions' }).waitFor();
    expect(new URL(page.url()).hash).toBe('#your-own-store');
  });

  it('is light or dark', async () => {
    const page = await open('limits.html');
    const light = await backgroundOf(page);
    await page.getByRole('switch').first().click();
    await expect.poll(() => backgroundOf(page)).not.toBe(light);
    expect(await page.evaluate(() => document.documentElement.classList.contains('dark'))).toBe(true);
  });

  it('draws diagrams in the colours of the page', async () => {
    const page = await open('sessions.html');
    const colorOfText = () =>
      page.locator('.diagram svg text', { hasText: 'active' }).evaluate((text) => getComputedStyle(text).fill);
    const light = await colorOfText();
    await page.getByRole('switch').first().click();
    await expect.poll(colorOfText).not.toBe(light);
  });

  it.each(['', 'limits.html', 'options.html', 'PROTOCOL.html', 'errors.html', 'reference/nestjs-webwire/client/'])(
    'fits a phone: %j',
    async (path) => {
      const page = await open(path, 390);
      const tooWide = await page.evaluate(() =>
        [document.documentElement, ...document.querySelectorAll('table')]
          .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
          .map(({ tagName, textContent }) => `${tagName} ${textContent.trim().slice(0, 40)}`),
      );
      expect(tooWide).toEqual([]);
    },
  );
});
