import { WebwireGateway, WebwireService } from 'nestjs-webwire';
import type { ClientOptions } from 'nestjs-webwire/client';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { FreezingProxy } from '../support/freezing-proxy.js';
import { TestApp } from '../support/test-app.js';
import { hasChromium, launchChromium } from './chromium.js';
import { ListeningPage } from './listening-page.js';

@WebwireGateway()
class NewsGateway {}

/** Time that a busy machine may take in addition, in ms. */
const PATIENCE = 10_000;

/** Without an event of the browser, nothing happens within the time of a test. */
const NEVER = 600_000;

describe.skipIf(!hasChromium)('a page that only listens', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  async function open(options: ClientOptions) {
    const app = await TestApp.start({ providers: [NewsGateway] }, { sessions: false, shutdownTimeout: 100 });
    onTestFinished(() => app.close());
    const proxy = await FreezingProxy.start(app.port);
    onTestFinished(() => proxy.close());
    const page = await ListeningPage.open(browser, `ws://127.0.0.1:${proxy.port}/`, options);
    await page.sees('connected');
    /** Sends a signal to all clients, and waits until the page has received it. */
    const getsNews = async (text: string) => {
      app.get(WebwireService).broadcast('news', text);
      expect(await page.sees('news')).toMatchObject({ text });
    };
    await getsNews('at first');
    return { page, proxy, getsNews };
  }

  it('notices a network that has died without a word, and comes back', async () => {
    const [livenessTimeout, dialTimeout] = [1_000, 1_000];
    const { page, proxy, getsNews } = await open({ livenessTimeout, dialTimeout, reconnect: { minDelay: 1 } });
    const before = performance.now();
    expect(proxy.freeze()).toBe(1);
    expect((await page.sees('disconnected')).text).toContain('the server does not respond');
    expect(performance.now() - before).toBeLessThan(livenessTimeout + dialTimeout + PATIENCE);
    await page.sees('connected');
    await getsNews('again');
  });

  it('probes at once when the browser goes offline, and connects at once when it is online again', async () => {
    const { page, proxy, getsNews } = await open({
      livenessTimeout: NEVER,
      dialTimeout: 1_000,
      reconnect: { minDelay: NEVER, maxDelay: NEVER, jitter: 0 },
    });
    proxy.freeze();
    await page.setOffline(true);
    await page.sees('disconnected');
    await page.sees('reconnecting');
    await page.setOffline(false);
    await page.sees('connected');
    await getsNews('again');
  });

  it('tries again at once when the browser is online again', async () => {
    const { page, proxy, getsNews } = await open({
      reconnect: { minDelay: NEVER, maxDelay: NEVER, jitter: 0 },
    });
    await page.setOffline(true);
    proxy.cut();
    await page.sees('reconnecting');
    await page.setOffline(false);
    await page.sees('connected');
    await getsNews('again');
  });

  it('keeps a connection that has survived the time offline', async () => {
    const { page, getsNews } = await open({ livenessTimeout: NEVER, dialTimeout: PATIENCE });
    await page.setOffline(true);
    await page.sees('offline');
    await page.setOffline(false);
    await page.sees('online');
    await getsNews('still');
    expect(page.events.rest).toEqual([]);
  });
});
