import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { bundleProbe, type ProbeBundle } from '../environments/bundle-probe.js';
import { ANSWERS } from '../environments/probe.js';
import { ProbeGateway, probeOptions } from '../environments/probe.gateway.js';
import { TestApp } from '../support/test-app.js';
import { hasChromium, launchChromium } from './chromium.js';
import { failOnPageErrors } from './page-errors.js';

/** A file of the page's server. */
interface File {
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

describe.skipIf(!hasChromium)('in Chromium, a client', () => {
  let browser: Browser;
  let bundle: ProbeBundle;
  let app: TestApp;

  beforeAll(async () => {
    [browser, bundle, app] = await Promise.all([
      launchChromium(),
      bundleProbe(),
      TestApp.start({ providers: [ProbeGateway] }, probeOptions()),
    ]);
  });
  afterAll(() => Promise.all([browser.close(), app.close()]));

  /** Serves files, in addition to the bundles, and opens `/`. Errors of the page, also on its console, fail the test. */
  async function open(files: Record<string, File>, { isQuiet = true, from = browser } = {}): Promise<Page> {
    const served: Record<string, File> = {
      '/probe.module.js': { text: bundle.module },
      '/probe.script.js': { text: bundle.script },
      '/': { text: '<!doctype html><title>Page</title>' },
      ...files,
    };
    const server = createServer(({ url }, response) => {
      const { text, headers = {} } = served[url!] ?? { text: '' };
      response.setHeader('Content-Type', text.startsWith('<') ? 'text/html' : 'text/javascript');
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      response.end(text);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const context = await from.newContext();
    const page = await context.newPage();
    onTestFinished(async () => {
      await context.close();
      server.close();
      server.closeAllConnections();
    });
    failOnPageErrors(page, (text) => !isQuiet || text.includes('favicon'));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    return page;
  }

  const importing = (type: string) =>
    type === 'module'
      ? "import { probe } from '/probe.module.js';"
      : "importScripts('/probe.script.js'); const { probe } = Probe;";

  describe.each(['module', 'classic'] as const)('works in a worker, with a script of the type "%s",', (type) => {
    const program = () => `${importing(type)} const run = () => probe(${JSON.stringify(app.url())}).catch(String);`;

    it('dedicated to a page', async () => {
      const page = await open({ '/worker.js': { text: `${program()} run().then(postMessage);` } });
      const answers = page.evaluate((kind) => {
        const worker = new Worker('/worker.js', { type: kind });
        return new Promise((resolve) => worker.addEventListener('message', ({ data }) => resolve(data)));
      }, type);
      expect(await answers).toEqual(ANSWERS);
    });

    it('shared by pages', async () => {
      const page = await open({
        '/worker.js': {
          text: `${program()} onconnect = ({ ports: [port] }) => void run().then((answers) => port.postMessage(answers));`,
        },
      });
      const answers = page.evaluate((kind) => {
        const { port } = new SharedWorker('/worker.js', { type: kind });
        port.start();
        return new Promise((resolve) => port.addEventListener('message', ({ data }) => resolve(data)));
      }, type);
      expect(await answers).toEqual(ANSWERS);
    });

    it('of a service', async () => {
      const page = await open({
        '/worker.js': {
          text: `${program()} onmessage = (event) => event.waitUntil(run().then((answers) => event.source.postMessage(answers)));`,
        },
      });
      const answers = page.evaluate(async (kind) => {
        await navigator.serviceWorker.register('/worker.js', { type: kind });
        const { active } = await navigator.serviceWorker.ready;
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has none
        active!.postMessage('run');
        return new Promise((resolve) => {
          navigator.serviceWorker.addEventListener('message', ({ data }) => resolve(data));
        });
      }, type);
      expect(await answers).toEqual(ANSWERS);
    });
  });

  it('works in a frame that may not read localStorage', async () => {
    const frame = `<script src="/probe.script.js"></script><script>
      let storage;
      try { storage = typeof localStorage } catch ({ name }) { storage = name }
      Probe.probe(${JSON.stringify(app.url())}).catch(String).then((answers) => parent.postMessage([storage, answers], '*'));
    </script>`;
    const page = await open({});
    const answers = page.evaluate((content) => {
      const element = document.createElement('iframe');
      element.setAttribute('sandbox', 'allow-scripts');
      element.srcdoc = content;
      document.body.append(element);
      return new Promise((resolve) => addEventListener('message', ({ data }) => resolve(data)));
    }, frame);
    expect(await answers).toEqual(['SecurityError', ANSWERS]);
  });

  describe('on a page with a Content Security Policy', () => {
    const script = () => `import { probe } from '/probe.module.js';
      window.answers = probe(${JSON.stringify(app.url())}).catch(({ code }) => code);`;
    const withPolicy = (policy: string): Record<string, File> => ({
      '/': {
        text: '<!doctype html><title>Page</title><script type="module" src="/page.js"></script>',
        headers: { 'Content-Security-Policy': `default-src 'none'; script-src 'self'; ${policy}` },
      },
      '/page.js': { text: script() },
    });
    const answersOf = (page: Page) => page.evaluate(() => (window as Window & { answers?: unknown }).answers);

    it('needs only its server in connect-src: no eval, no inline scripts, no other types of scripts', async () => {
      const policy = `connect-src ${app.url().slice(0, -1)}; require-trusted-types-for 'script'; trusted-types 'none'`;
      expect(await answersOf(await open(withPolicy(policy)))).toEqual(ANSWERS);
    });

    it('fails at once if connect-src lacks the server', async () => {
      const page = await open(withPolicy("connect-src 'self'"), { isQuiet: false });
      expect(await answersOf(page)).toBe('DISCONNECTED');
    });
  });

  it('connects again when its page comes back from the back/forward cache', async () => {
    const cachingBrowser = await launchChromium({ ignoreDefaultArgs: ['--disable-back-forward-cache'] });
    onTestFinished(() => cachingBrowser.close());
    const page = await open(
      {
        '/': {
          text: `<!doctype html><title>Page</title><script type="module">
            import { WebwireClient } from '/probe.module.js';
            const client = new WebwireClient(${JSON.stringify(app.url())});
            window.events = [];
            for (const name of ['connected', 'disconnected']) client.on(name, () => events.push(name));
            for (const name of ['pagehide', 'pageshow']) addEventListener(name, ({ persisted }) => events.push(name + ' ' + persisted));
            void client.connect();
          </script>`,
        },
        '/other': { text: '<!doctype html><title>Other</title>' },
      },
      // Chromium closes the WebSocket of a page that it keeps, and says so on the console.
      { isQuiet: false, from: cachingBrowser },
    );
    const eventsOf = () => page.evaluate(() => (window as Window & { events?: string[] }).events);
    await expect.poll(eventsOf).toContain('connected');
    await page.evaluate(() => location.assign('/other'));
    await page.waitForURL('**/other');
    await page.evaluate(() => history.back());
    // The page is the one from before, with its events.
    await expect.poll(async () => (await eventsOf())?.filter((name) => name === 'connected')).toHaveLength(2);
    expect(await eventsOf()).toEqual(expect.arrayContaining(['pagehide true', 'pageshow true', 'disconnected']));
  });
});
