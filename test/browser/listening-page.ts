import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext } from 'playwright-core';
import type { ClientOptions } from 'nestjs-webwire/client';
import { onTestFinished } from 'vitest';
import { Queue } from '../support/queue.js';
import { failOnPageErrors, isFailedConnection } from './page-errors.js';

const PACKAGE = fileURLToPath(new URL('../../dist', import.meta.url));

/** An event of the client in the page, or a signal that it has received. */
export interface PageEvent {
  readonly name: string;
  /** The message of an error, or the content of a signal. */
  readonly text: string;
  /** Time since the page was loaded, in ms. */
  readonly at: number;
}

/** Reports events to the test: `report` is a function of the test. */
const SCRIPT = (url: string, options: ClientOptions) => `
  import { WebwireClient } from '/client/index.js';
  const client = new WebwireClient(${JSON.stringify(url)}, ${JSON.stringify(options)});
  const record = (name, text = '') => void report({ name, text, at: performance.now() });
  for (const name of ['connected', 'disconnected', 'reconnecting']) client.on(name, ({ error }) => record(name, error?.message));
  for (const name of ['online', 'offline']) addEventListener(name, () => record(name));
  client.onSignal((payload, name) => record(name, payload.text()));
  void client.connect();
`;

/** A page with a client that sends nothing, in a browser profile of its own, until the end of the test. */
export class ListeningPage {
  readonly events = new Queue<PageEvent>();

  private constructor(private readonly context: BrowserContext) {}

  /** @param url URL of the WebWire server. */
  static async open(browser: Browser, url: string, options: ClientOptions): Promise<ListeningPage> {
    const server = await serve(
      `<!doctype html><title>Page</title><script type="module">${SCRIPT(url, options)}</script>`,
    );
    onTestFinished(() => close(server));
    const context = await browser.newContext();
    onTestFinished(() => context.close());
    const opened = new ListeningPage(context);
    await context.exposeFunction('report', (event: PageEvent) => opened.events.push(event));
    const page = await context.newPage();
    failOnPageErrors(page, isFailedConnection);
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    return opened;
  }

  /** Waits for an event; those before it are dropped. */
  async sees(name: string): Promise<PageEvent> {
    for (;;) {
      const event = await this.events.take();
      if (event.name === name) return event;
    }
  }

  /** Emulates a network interface that goes down or comes up, as DevTools does. */
  setOffline(isOffline: boolean): Promise<void> {
    return this.context.setOffline(isOffline);
  }
}

/** Serves a page at `/`, and the modules of the built package. */
async function serve(page: string): Promise<Server> {
  const server = createServer(async ({ url = '/' }, response) => {
    const isPage = url === '/';
    response.setHeader('Content-Type', isPage ? 'text/html' : 'text/javascript');
    response.end(isPage ? page : await readFile(`${PACKAGE}${url}`).catch(() => ''));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
