import type { NestExpressApplication } from '@nestjs/platform-express';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jsonCodec, WebwireService } from 'nestjs-webwire';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { build } from 'vite';
import { hasChromium, launchChromium } from '../browser/chromium.js';
import { failOnPageErrors, isFailedConnection } from '../browser/page-errors.js';
import { FreezingProxy } from '../support/freezing-proxy.js';
import { TestApp } from '../support/test-app.js';
import { StocksGateway } from './stocks.gateway.js';

/** Timeout of each step in the page, in ms: the machine may be busy. */
const PATIENCE = 20_000;

describe.skipIf(!hasChromium)('the code of docs/frameworks.md and docs/tanstack-query.md', () => {
  let folder: string;
  let browser: Browser;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'webwire-frameworks-'));
    const configFile = fileURLToPath(new URL('vite.config.ts', import.meta.url));
    [browser] = await Promise.all([launchChromium(), build({ configFile, build: { outDir: folder } })]);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true });
  });

  describe.each(['vue', 'svelte', 'angular', 'tanstack-query'])('for %s', (framework) => {
    let app: TestApp;
    let gateway: StocksGateway;
    let proxy: FreezingProxy;
    let page: Page;
    /** Once it was, the browser may report that it could not connect. */
    let wasServerStopped: boolean;

    /** @param name The name of the company ACME. */
    async function startServer(name?: string): Promise<void> {
      app = await TestApp.start(
        { providers: [StocksGateway] },
        { sessions: false, codec: jsonCodec, shutdownTimeout: 1_000 },
        (nest) => void (nest as NestExpressApplication).useStaticAssets(folder),
      );
      gateway = app.get(StocksGateway);
      if (name) gateway.names.set('ACME', name);
    }

    async function stopServer(): Promise<void> {
      wasServerStopped = true;
      await app.close();
      proxy.cut();
    }

    async function startServerAgain(name?: string): Promise<void> {
      await startServer(name);
      proxy.target = app.port;
    }

    beforeEach(async () => {
      wasServerStopped = false;
      await startServer();
      proxy = await FreezingProxy.start(app.port);
      onTestFinished(async () => {
        await app.close();
        await proxy.close();
      });
      page = await browser.newPage();
      page.setDefaultTimeout(PATIENCE);
      failOnPageErrors(page, (text) => wasServerStopped && isFailedConnection(text));
      await page.goto(`http://127.0.0.1:${proxy.port}/?${framework}`);
      await page.locator('body[data-ready]').waitFor();
    });

    const shows = (text: string) => page.getByText(text, { exact: true }).waitFor();
    const choose = (symbol: string) => page.getByLabel('Company').selectOption(symbol);
    const countHandlers = () => page.evaluate('countHandlers()');

    async function show(): Promise<void> {
      await page.locator('#show').click();
      await shows('connected');
      await shows('Acme Corporation');
      await shows('Price: 1');
    }

    /** Number of events of the server that no test has waited for. */
    const count = (event: string) => gateway.events.rest.filter((other) => other === event).length;

    /** Waits for an event of the server. */
    async function happens(event: string): Promise<void> {
      await gateway.events.take((other) => other === event);
    }

    it('shows the connection, a reply, the last item of a stream, and signals', async () => {
      await show();
      await shows('News: none');
      gateway.setPrice('ACME', 7);
      await shows('Price: 7');
      gateway.send('news', 'Markets are calm');
      await shows('News: Markets are calm');
      // StrictMode of React opens it twice, and closes it once.
      await expect.poll(() => count('open ACME') - count('close ACME')).toBe(1);
    });

    it('follows the choice of the user, and closes the stream of the last one', async () => {
      gateway.names.set('INIT', 'Initech');
      await show();
      await choose('INIT');
      await shows('Initech');
      await shows('Price: 2');
      await happens('close ACME');
      gateway.setPrice('ACME', 8);
      gateway.setPrice('INIT', 9);
      await shows('Price: 9');
      await choose('ACME');
      await shows('Acme Corporation');
      await shows('Price: 8');
    });

    it('shows the error of a handler, and works on', async () => {
      await show();
      await choose('NONE');
      await page.getByText('there is no company NONE').waitFor();
      await choose('ACME');
      await shows('Acme Corporation');
      await shows('Price: 1');
    });

    it('shows that the connection is lost, and goes on with the next one', async () => {
      await show();
      gateway.send('news', 'old');
      await shows('News: old');
      await stopServer();
      await shows('reconnecting');
      // The last values stay.
      await shows('Price: 1');
      await shows('News: old');
      await startServerAgain();
      await shows('connected');
      await happens('open ACME');
      gateway.setPrice('ACME', 5);
      await shows('Price: 5');
      gateway.send('news', 'new');
      await shows('News: new');
    });

    it('goes on after a connection that broke without a word', async () => {
      await show();
      await happens('open ACME');
      proxy.cut();
      await happens('close ACME');
      await happens('open ACME');
      gateway.setPrice('ACME', 5);
      await shows('Price: 5');
      expect(app.get(WebwireService).connectionCount).toBe(1);
    });

    it('removes its handlers, closes the stream and cancels the request when it is unmounted', async () => {
      const before = await countHandlers();
      await show();
      expect(await countHandlers()).toBeGreaterThan(Number(before));
      await choose('INIT');
      await happens('ask INIT');
      await happens('open INIT');
      await page.locator('#hide').click();
      await happens('cancel INIT');
      await happens('close INIT');
      await expect.poll(countHandlers).toBe(before);
      expect(await page.locator('main').textContent()).toBe('');
      // It can be mounted again, and the connection is still there.
      await show();
      gateway.send('news', 'again');
      await shows('News: again');
      expect(app.get(WebwireService).connectionCount).toBe(1);
    });

    if (framework !== 'tanstack-query') return;

    it('asks again after a signal of the server', async () => {
      await show();
      await page.getByText('Rename').click();
      await shows('Acme & Sons');
      gateway.rename({ symbol: 'ACME', name: 'Acme Holding' });
      await shows('Acme Holding');
    });

    it('asks again after a signal that was missed', async () => {
      await show();
      await stopServer();
      await shows('reconnecting');
      await startServerAgain('Acme & Daughters');
      await shows('Acme & Daughters');
    });

    it('sends a refused request once', async () => {
      await show();
      await choose('NONE');
      await page.getByText('there is no company NONE').waitFor();
      expect(count('ask NONE')).toBe(1);
    });
  });
});
