import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { preview, type PreviewServer } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findBarriers, findFaintTexts } from './audit.js';
import { hasChromium, launchChromium, PATIENCE } from './chromium.js';
import { failOnPageErrors } from './page-errors.js';

const SITE = fileURLToPath(new URL('../../.site/html', import.meta.url));

/** Words that users look for, and the title of a page that has to be found. */
const SEARCHES = {
  timeout: 'The connection of a client',
  'rate limit': 'What a client can cost',
  ECONNREFUSED: 'When it does not work',
  1013: 'Connections and servers',
  TOO_MANY_REQUESTS: 'Error codes',
  JWT: 'Authentication',
  nginx: 'Deployment',
};

/** Colours change at once. */
const STILL = '* { transition: none !important }';

/** A page as the functions of `readPages` find it. */
interface PageReport {
  readonly path: string;
  readonly title: string;
  readonly description: string;
  /** The paths of the pages to which the navigation leads. */
  readonly links: readonly string[];
  readonly faults: readonly string[];
}

/**
 * Runs in a page with the stylesheet of the site. It puts the HTML of each page into it, which takes a tenth of the time that loading
 * them would take.
 */
async function readPages(paths: readonly string[]): Promise<PageReport[]> {
  const audits = globalThis as unknown as Record<'findBarriers' | 'findFaintTexts', () => string[]>;
  const root = document.documentElement;
  const sidebars = new Set<string>();
  const reports: PageReport[] = [];
  for (const path of paths) {
    const html = new DOMParser().parseFromString(await (await fetch(`/${path}`)).text(), 'text/html');
    root.lang = html.documentElement.lang;
    document.body.replaceWith(html.body);
    const links = [...document.querySelectorAll<HTMLAnchorElement>('.VPNav a, .VPSidebar a')];
    // Many pages have the same sidebar.
    const sidebar = document.querySelector('.VPSidebar');
    if (sidebar && sidebars.has(sidebar.textContent)) sidebar.remove();
    else if (sidebar) sidebars.add(sidebar.textContent);
    const faults = new Set(audits.findBarriers());
    for (const element of [root, ...document.querySelectorAll('table')]) {
      if (element.scrollWidth > element.clientWidth) {
        faults.add(`too wide: ${element.tagName} ${element.textContent.trim().slice(0, 40)}`);
      }
    }
    for (const scheme of ['light', 'dark']) {
      root.classList.toggle('dark', scheme === 'dark');
      for (const text of audits.findFaintTexts()) faults.add(`faint when ${scheme}: ${text}`);
    }
    reports.push({
      path,
      title: html.title,
      description: html.querySelector<HTMLMetaElement>('meta[name=description]')!.content,
      links: links.map(({ pathname }) => pathname.slice(1).replace(/(^|\/)$/, '$1index.html')),
      faults: [...faults],
    });
  }
  return reports;
}

describe.skipIf(!hasChromium)('the site in a browser', () => {
  let browser: Browser;
  let server: PreviewServer;
  let url: string;
  let paths: string[];

  beforeAll(async () => {
    if (!existsSync(SITE)) throw new Error(`there is no site at ${SITE}: build it by \`npm run docs\``);
    paths = readdirSync(SITE, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.html'));
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

  const htmlOf = (path: string) => readFileSync(`${SITE}/${path}`, 'utf8');

  /** Opens a page. The test fails if it sends a request to another site, or if a request fails. */
  async function open(path: string, width = 1440, colorScheme: 'light' | 'dark' = 'light'): Promise<Page> {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
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

  it('finds the words of options, errors and other programs', async () => {
    const page = await open('');
    await page.keyboard.press('Control+k');
    for (const [words, title] of Object.entries(SEARCHES)) {
      await page.getByRole('searchbox').fill(words);
      await page.getByRole('option', { name: title }).first().waitFor();
    }
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

  it.each(['light', 'dark'] as const)('has diagrams that are readable, when %s', async (scheme) => {
    const drawn = paths.filter((path) => htmlOf(path).includes('class="diagram"'));
    expect(drawn).not.toEqual([]);
    const faint = await Promise.all(
      drawn.map(async (path) => {
        const page = await open(path, 1440, scheme);
        await expect.poll(() => page.locator('pre.diagram').count()).toBe(0);
        return (await page.evaluate(findFaintTexts)).map((text) => `${path}: ${text}`);
      }),
    );
    expect(faint.flat()).toEqual([]);
  });

  it('prints dark texts, also if it is dark', async () => {
    const page = await open('client.html', 1440, 'dark');
    await page.emulateMedia({ media: 'print' });
    await page.addStyleTag({ content: STILL });
    expect(await page.evaluate(findFaintTexts)).toEqual([]);
    expect(await backgroundOf(page)).toBe('rgb(255, 255, 255)');
  });

  it('says that there is no such page', async () => {
    const page = await open('404.html');
    await page.getByRole('heading', { level: 1, name: 'There is no such page' }).waitFor();
    expect(await page.evaluate(findBarriers)).toEqual([]);
  });

  async function reportPages(width: number): Promise<PageReport[]> {
    const page = await browser.newPage({ viewport: { width, height: 900 } });
    await page.addInitScript(
      `Object.assign(globalThis, { findBarriers: ${String(findBarriers)}, findFaintTexts: ${String(findFaintTexts)} })`,
    );
    const [stylesheet] = /<link rel="preload stylesheet"[^>]*>/.exec(htmlOf('index.html'))!;
    await page.route(`${url}empty`, (route) =>
      route.fulfill({ contentType: 'text/html', body: `<!doctype html>${stylesheet}<style>${STILL}</style><body>` }),
    );
    await page.goto(`${url}empty`);
    // The page for unknown paths has no content without its script.
    const reports = await page.evaluate(
      readPages,
      paths.filter((path) => path !== '404.html'),
    );
    await page.close();
    return reports;
  }

  describe('on all pages', () => {
    let narrow: readonly PageReport[];
    let wide: readonly PageReport[];

    beforeAll(async () => {
      [narrow, wide] = await Promise.all([reportPages(390), reportPages(1440)]);
    });

    it.each(['narrow', 'wide'] as const)('is readable, has no barriers and fits, if %s', (width) => {
      // Many pages may have the same fault: the last of them is named.
      const faults = { narrow, wide }[width].flatMap((page) => page.faults.map((fault) => [fault, page.path] as const));
      expect([...new Map(faults)].slice(0, 20)).toEqual([]);
    });

    it('leads to each page by its navigation', () => {
      const linksOf = new Map(wide.map(({ path, links }) => [path, links]));
      const reached = new Set(['index.html']);
      for (const path of reached) for (const link of linksOf.get(path) ?? []) reached.add(link);
      expect(wide.map(({ path }) => path).filter((path) => !reached.has(path))).toEqual([]);
    });

    it('describes each page', () => {
      const general = wide.find(({ path }) => path === 'index.html')!.description;
      const others = wide.filter(({ path }) => path !== 'index.html');
      expect(others.filter(({ description }) => description === general).map(({ path }) => path)).toEqual([]);
      const guide = others.filter(({ path }) => !path.startsWith('reference/'));
      for (const key of ['title', 'description'] as const) {
        expect(new Set(guide.map((report) => report[key])).size).toBe(guide.length);
      }
    });
  });
});
