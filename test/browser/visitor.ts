import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { DEMO_ACCOUNTS } from '../../sample/03-chatroom/api/demo-accounts.js';
import type { Chatroom } from '../support/chatroom.js';
import { PATIENCE } from './chromium.js';
import { failOnPageErrors } from './page-errors.js';

export const SCREENSHOTS = fileURLToPath(new URL('screenshots', import.meta.url));

type AccountId = (typeof DEMO_ACCOUNTS)[number]['id'];

/** A user with a separate browser profile. An error in it fails the test, also a failed request. */
export class Visitor {
  private constructor(
    private readonly chatroom: Chatroom,
    private readonly context: BrowserContext,
    /** The tab in use. */
    readonly page: Page,
  ) {
    const report = failOnPageErrors(page, (text) => this.#isExpected(text));
    page.on('requestfailed', (request) => report(`${request.url()}: ${request.failure()?.errorText}`));
    page.on('response', (response) => {
      if (response.status() >= 400) report(`${response.url()}: ${response.status()}`);
    });
  }

  /** Opens the chat room in a new browser profile. A test with an error in it fails. */
  static async open(chatroom: Chatroom, browser: Browser, options: BrowserContextOptions = {}): Promise<Visitor> {
    const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/London', ...options });
    onTestFinished(() => context.close());
    context.setDefaultTimeout(PATIENCE);
    const visitor = new Visitor(chatroom, context, await context.newPage());
    await visitor.page.goto(chatroom.url);
    return visitor;
  }

  /** Opens another tab of the same profile. */
  async openTab(): Promise<Visitor> {
    const tab = new Visitor(this.chatroom, this.context, await this.context.newPage());
    await tab.page.goto(this.chatroom.url);
    return tab;
  }

  get name(): Locator {
    return this.page.getByRole('textbox', { name: 'Name', exact: true });
  }

  get password(): Locator {
    return this.page.getByRole('textbox', { name: 'Password', exact: true });
  }

  get composer(): Locator {
    return this.page.getByRole('textbox', { name: 'Message', exact: true });
  }

  get log(): Locator {
    return this.page.getByRole('log', { name: 'Messages' });
  }

  get notice(): Locator {
    return this.page.locator('#notice-text');
  }

  get connection(): Locator {
    return this.page.locator('#connection-text');
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name });
  }

  async signIn(id: AccountId): Promise<void> {
    const { name, password } = DEMO_ACCOUNTS.find((account) => account.id === id)!;
    await this.name.fill(name);
    await this.password.fill(password);
    await this.button('Sign in').click();
    await this.composer.waitFor();
  }

  async say(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.composer.press('Enter');
  }

  /** Waits until a message is shown as sent. */
  async sees(text: string): Promise<void> {
    await this.page.locator('#messages .text', { hasText: text }).first().waitFor();
  }

  /** Waits for a text anywhere on the page. */
  async reads(text: string | RegExp): Promise<void> {
    await this.page.getByText(text).first().waitFor();
  }

  /** The texts of the messages, in order. */
  messages(): Promise<string[]> {
    return this.page.locator('#messages .text').allTextContents();
  }

  people(): Promise<string[]> {
    return this.page.locator('#people-list .person-name').allTextContents();
  }

  /** Waits until exactly these people are listed. */
  async seesPeople(...names: string[]): Promise<void> {
    await this.page.waitForFunction(
      (expected) =>
        [...document.querySelectorAll('#people-list .person-name')].map((name) => name.textContent).join() === expected,
      names.join(),
    );
  }

  async screenshot(name: string): Promise<void> {
    await mkdir(SCREENSHOTS, { recursive: true });
    await this.page.screenshot({ path: `${SCREENSHOTS}/${name}.png` });
  }

  /** While the server is down, failed connections are expected, but no other errors. */
  #isExpected(error: string): boolean {
    const { wasStopped, url } = this.chatroom;
    const expected = [
      `WebSocket connection to '${url.replace('http', 'ws')}chat?ticket=`,
      `${url}ticket: net::ERR_`,
      'Failed to load resource: net::ERR_',
    ];
    return wasStopped && expected.some((beginning) => error.startsWith(beginning));
  }
}
