import type { Browser } from 'playwright-core';
import { WebwireClient } from 'nestjs-webwire/client';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import type { ChatApi } from '../../sample/03-chatroom/api/chat-api.js';
import { withTicket } from '../../sample/03-chatroom/client/with-ticket.js';
import { Chatroom } from '../support/chatroom.js';
import { findBarriers, findFaintTexts } from './audit.js';
import { hasChromium, launchChromium, WITHOUT_CHROMIUM } from './chromium.js';
import { Visitor } from './visitor.js';

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
const DESKTOP = { viewport: { width: 1280, height: 800 } };

if (!hasChromium) console.warn(WITHOUT_CHROMIUM);

it('has a browser', ({ skip }) => {
  skip(!hasChromium && !process.env.CI, WITHOUT_CHROMIUM);
  expect(hasChromium || WITHOUT_CHROMIUM).toBe(true);
});

describe.skipIf(!hasChromium)('the chat room in a browser', { timeout: 60_000 }, () => {
  let browser: Browser;
  let chatroom: Chatroom;
  let visitors: Visitor[];

  beforeAll(async () => {
    browser = await launchChromium();
  }, 60_000);
  afterAll(() => browser.close());

  beforeEach(async () => {
    visitors = [];
    chatroom = await Chatroom.start();
  });

  async function visit(options: Parameters<typeof Visitor.open>[2] = DESKTOP): Promise<Visitor> {
    const visitor = await Visitor.open(chatroom, browser, options);
    visitors.push(visitor);
    return visitor;
  }

  /** Ada, signed in, in two tabs; and Grace. */
  async function visitInTwoTabs() {
    const first = await visit();
    await first.signIn('ada');
    const second = await first.openTab();
    visitors.push(second);
    await second.reads('Welcome back, Ada');
    const grace = await visit();
    await grace.signIn('grace');
    for (const visitor of visitors) await visitor.seesPeople('Ada', 'Grace');
    return { first, second, grace };
  }

  async function expectAccessible(visitor: Visitor): Promise<void> {
    expect(await visitor.page.evaluate(findBarriers)).toEqual([]);
    for (const colorScheme of ['light', 'dark'] as const) {
      await visitor.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      const faint = await visitor.page.evaluate(findFaintTexts);
      expect({ colorScheme, faint }).toEqual({ colorScheme, faint: [] });
    }
    await visitor.page.emulateMedia({ colorScheme: null, reducedMotion: null });
  }

  it('shows the error of a wrong password next to the field, and accepts the right one', async () => {
    const ada = await visit();
    await ada.name.waitFor();
    expect(await ada.name.evaluate((name) => name === document.activeElement)).toBe(true);
    await ada.screenshot('sign-in');
    await expectAccessible(ada);

    await ada.button('Sign in').click();
    expect(await ada.page.getByRole('alert').textContent()).toBe('Enter your name');
    await ada.name.fill('ada');
    await ada.password.fill('motor');
    await ada.button('Sign in').click();
    await ada.reads('Incorrect name or password, try again');
    expect(await ada.password.getAttribute('aria-invalid')).toBe('true');
    expect(await ada.password.evaluate((password) => password === document.activeElement)).toBe(true);
    await ada.screenshot('sign-in-refused');
    await expectAccessible(ada);

    await ada.button('Fill in Ada engine').click();
    await ada.button('Sign in').click();
    await ada.composer.waitFor();
    await ada.seesPeople('Ada');
    expect(await ada.composer.evaluate((composer) => composer === document.activeElement)).toBe(true);
    await ada.reads('Nobody has said anything yet.');
    await ada.screenshot('empty-room');
    await expectAccessible(ada);
  });

  it('shows messages of two people in two browsers', async () => {
    const ada = await visit();
    await ada.signIn('ada');
    const grace = await visit({ ...DESKTOP, colorScheme: 'dark' });
    await grace.signIn('grace');
    await ada.seesPeople('Ada', 'Grace');
    await grace.seesPeople('Ada', 'Grace');

    await ada.say('Has anybody looked at the engine?');
    await grace.sees('Has anybody looked at the engine?');
    await ada.say('It makes a strange noise.');
    await grace.sees('It makes a strange noise.');
    await grace.composer.pressSequentially('There was ');
    await ada.reads('Grace is typing…');
    await grace.say('There was a moth in relay 70.');
    await ada.sees('There was a moth in relay 70.');

    // Markup in a message is shown as text.
    const markup = '<img src="/x" onerror="document.title=1"><b>bold</b> &amp;';
    await ada.say(markup);
    await grace.sees(markup);
    expect(await grace.messages()).toEqual([
      'Has anybody looked at the engine?',
      'It makes a strange noise.',
      'There was a moth in relay 70.',
      markup,
    ]);
    // Each message has the name of its sender, so that own messages do not differ by colour alone.
    expect(await grace.log.locator('.message .sender').allTextContents()).toEqual(['Ada', 'Ada', 'You', 'Ada']);
    expect(await grace.log.locator('.message.first .sender').allTextContents()).toEqual(['Ada', 'You', 'Ada']);
    expect(await grace.log.locator('time').count()).toBe(4);
    await ada.screenshot('conversation');
    await grace.screenshot('conversation-dark');
    await expectAccessible(grace);
  });

  it('restores the session after a reload, and shows everything once', async () => {
    const ada = await visit();
    await ada.signIn('ada');
    await ada.say('one');
    await ada.sees('one');
    const grace = await visit();
    await grace.signIn('grace');
    await grace.sees('one');

    await ada.page.reload();
    await ada.reads('Welcome back, Ada: your session was restored.');
    await ada.say('two');
    await grace.sees('two');
    await ada.sees('two');
    expect(await ada.messages()).toEqual(['one', 'two']);
    expect(await ada.people()).toEqual(['Ada', 'Grace']);
    await ada.page.reload();
    await ada.reads('Welcome back');
    await ada.screenshot('session-restored');
    await expectAccessible(ada);
    await ada.button('Dismiss').click();
    await ada.notice.waitFor({ state: 'hidden' });
    expect(await ada.composer.evaluate((composer) => composer === document.activeElement)).toBe(true);
  });

  it('reconnects after a restart of the server, restores the session, and sends what was written meanwhile', async () => {
    const ada = await visit();
    await ada.signIn('ada');
    const grace = await visit();
    await grace.signIn('grace');
    await ada.say('before');
    await grace.sees('before');

    expect(await chatroom.stop('SIGTERM')).toBe('SIGTERM');
    await ada.reads('The server cannot be reached.');
    expect(await ada.connection.textContent()).toBe('Reconnecting…');
    await ada.say('meanwhile');
    await ada.reads('Waits for the connection');
    expect(await ada.messages()).toEqual(['before']);
    await ada.screenshot('reconnecting');
    await expectAccessible(ada);

    await chatroom.startAgain();
    await ada
      .button('Try now')
      .click({ timeout: 1_000 })
      .catch(() => undefined); // it may be back already
    await ada.reads('The connection is back, and your session was restored.');
    await grace.reads('The connection is back, and your session was restored.');
    await grace.sees('meanwhile');
    await ada.sees('meanwhile');
    await ada.seesPeople('Ada', 'Grace');
    await grace.say('after');
    await ada.sees('after');
    for (const visitor of visitors) expect(await visitor.messages()).toEqual(['before', 'meanwhile', 'after']);
    expect(await ada.connection.textContent()).toBe('Connected');
    await ada.screenshot('reconnected');
  });

  it('performs actions from the time without a server afterwards', async () => {
    const ada = await visit();
    await ada.signIn('ada');
    await chatroom.stop();
    await ada.reads('The server cannot be reached.');
    await ada.button('Sign out').click();
    await chatroom.startAgain();
    await ada.name.waitFor();
    await ada.signIn('grace');
    await ada.seesPeople('Grace');
  });

  it('counts a person with two tabs once, keeps both tabs up to date, and signs both out', async () => {
    const { first, second, grace } = await visitInTwoTabs();

    await second.say('from the second tab');
    await first.sees('from the second tab');
    await grace.say('to both');
    for (const visitor of visitors) await visitor.sees('to both');
    expect(await first.log.locator('.message.first .sender').allTextContents()).toEqual(['You', 'Grace']);
    await second.screenshot('second-tab');

    await second.page.close();
    await grace.say('one tab left');
    await first.sees('one tab left');
    const third = await first.openTab();
    visitors.push(third);
    await third.sees('one tab left');
    await third.button('Sign out').click();
    await third.name.waitFor();
    await first.reads('You were signed out in another tab or by the server.');
    expect(await first.name.evaluate((name) => name === document.activeElement)).toBe(true);
    await grace.seesPeople('Grace');
    await first.screenshot('signed-out-elsewhere');
    await first.page.reload();
    await first.name.waitFor();
  });

  it('shows that a person is typing to others, but not in other tabs of the same person', async () => {
    const { first, second, grace } = await visitInTwoTabs();

    await first.composer.pressSequentially('A');
    await grace.reads('Ada is typing…');
    // Signals arrive in order: what Grace says comes after any typing signal of Ada's.
    await grace.say('I see you typing');
    await second.sees('I see you typing');
    expect(await second.page.locator('#typing').textContent()).toBe('');
    await second.composer.pressSequentially('A');
    await grace.say('again');
    await first.sees('again');
    expect(await first.page.locator('#typing').textContent()).toBe('');
    await grace.composer.pressSequentially('G');
    for (const tab of [first, second]) await tab.reads('Grace is typing…');
  });

  it('makes only web addresses links', async () => {
    const ada = await visit();
    await ada.signIn('ada');
    const grace = await visit({ ...DESKTOP, colorScheme: 'dark' });
    await grace.signIn('grace');
    const said = async (text: string) => {
      await ada.say(text);
      const message = grace.page.locator('#messages .text').last();
      // The text is unchanged, links included.
      await expect.poll(() => message.textContent()).toBe(text);
      expect(await message.locator(':not(a)').count()).toBe(0);
      return message
        .locator('a')
        .evaluateAll((links) => links.map((a) => `${a.textContent} → ${a.getAttribute('href')}`));
    };
    const links = (...addresses: string[]) => addresses.map((address) => `${address} → ${address}`);

    expect(await said('See https://example.com/a?b=c&d=%20#e, or (http://example.org/x_(y)).')).toEqual(
      links('https://example.com/a?b=c&d=%20#e', 'http://example.org/x_(y)'),
    );
    expect(await said('HTTPS://EXAMPLE.COM! http://localhost:1\nhttp://[::1]:8080/…')).toEqual(
      links('HTTPS://EXAMPLE.COM', 'http://localhost:1', 'http://[::1]:8080/'),
    );
    const hostile = [
      'javascript:alert(1) data:text/html,x vbscript:x ftp://example.com file:///etc/passwd //example.com example.com',
      'http:// https://: xhttp://example.com http://example.com:99999 http://exa%00mple.com https://user@example.com',
      'https://bank.example:secret@example.com/ javascript:https',
    ];
    for (const text of hostile) expect(await said(text)).toEqual([]);
    expect(await said('"https://example.com/"onclick="alert(1)')).toEqual(links('https://example.com/'));
    expect(await said('<a href="https://example.com/<script>alert(1)</script>">x</a>')).toEqual(
      links('https://example.com/'),
    );
    expect(await said('https://example.com/\u202egnp.exe https://example.com/\u200bx')).toEqual(
      links('https://example.com/', 'https://example.com/'),
    );
    expect(await said('https://a.example/ '.repeat(40).trim())).toHaveLength(20);
    expect(await said(`https://example.com/${')'.repeat(900)}`)).toEqual(links('https://example.com/'));
    expect(await said(`https://example.com/${'x'.repeat(900)}`)).toHaveLength(1);

    await ada.say(`Come to ${chatroom.url}`);
    const link = grace.page.getByRole('link', { name: chatroom.url });
    await grace.screenshot('links-dark');
    await expectAccessible(grace);
    const [opened] = await Promise.all([grace.page.context().waitForEvent('page'), link.click()]);
    await opened.waitForLoadState();
    expect(opened.url()).toBe(chatroom.url);
    expect(await opened.evaluate(() => [window.opener, document.referrer])).toEqual([null, '']);
    expect(await link.getAttribute('rel')).toBe('noopener noreferrer nofollow');
  });

  it('can be used with the keyboard alone', async () => {
    const { page } = await visit();
    const [ada] = visitors as [Visitor];
    await ada.name.waitFor();
    const focused = () =>
      page.evaluate(() => {
        const element = document.activeElement as HTMLElement;
        return (
          element.ariaLabel ?? (element as HTMLInputElement).labels?.[0]?.textContent ?? element.textContent?.trim()
        );
      });
    await page.keyboard.type('ada');
    await page.keyboard.press('Tab');
    await page.keyboard.type('engine');
    await page.keyboard.press('Enter');
    await ada.composer.waitFor();
    expect(await focused()).toBe('Message');

    await page.keyboard.type('one line');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('and another');
    await page.keyboard.press('Enter');
    await ada.sees('and another');
    expect(await ada.messages()).toEqual(['one line\nand another']);
    expect(await ada.composer.inputValue()).toBe('');

    await page.reload();
    await ada.reads('Welcome back');
    const stops = ['Messages', 'Dismiss', 'Sign out', 'Skip to the message field'];
    for (const stop of stops) {
      await page.keyboard.press('Shift+Tab');
      expect(await focused()).toBe(stop);
      // The focus is visible.
      expect(await page.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle)).toBe('solid');
    }
    await ada.screenshot('skip-link');
    await page.keyboard.press('Enter');
    expect(await focused()).toBe('Message');

    for (const _ of ['Messages', 'Dismiss', 'Sign out']) await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    await ada.name.waitFor();
    expect(await focused()).toBe('Name');
  });

  it('fits a phone, in the dark', async () => {
    const grace = await visit({ ...PHONE, colorScheme: 'dark' });
    await grace.name.waitFor();
    await grace.screenshot('phone-sign-in');
    await grace.button('Fill in Grace').click();
    await grace.button('Sign in').click();
    const ada = await visit();
    await ada.signIn('ada');
    await ada.say('A word without any place to break it: '.concat('o'.repeat(300)));
    await grace.sees('A word');
    await grace.say('I see.');
    await ada.sees('I see.');

    const width = () => grace.page.evaluate(() => document.documentElement.scrollWidth);
    expect(await width()).toBe(390);
    await grace.button('People').click();
    await grace.page.getByRole('complementary', { name: 'People' }).waitFor();
    expect(await grace.people()).toEqual(['Ada', 'Grace']);
    await grace.screenshot('phone-people');
    await expectAccessible(grace);
    await grace.page.emulateMedia({ colorScheme: 'dark' });
    await grace.page.keyboard.press('Escape');
    await grace.page.getByRole('complementary', { name: 'People' }).waitFor({ state: 'hidden' });
    await grace.screenshot('phone-conversation');

    // A keyboard on the screen takes half of the height: the end of the conversation and the composer stay in view.
    await grace.page.setViewportSize({ width: 390, height: 420 });
    for (const element of [grace.composer, grace.page.getByText('I see.')]) {
      const { y, height } = (await element.boundingBox())!;
      expect(y).toBeGreaterThan(60);
      expect(y + height).toBeLessThan(420);
    }
    await grace.page.setViewportSize({ width: 320, height: 568 });
    expect(await width()).toBe(320);
    await grace.screenshot('phone-small');
  });

  it('keeps the scroll position of a reader, counts new messages, and loads earlier ones', async () => {
    const speakers = [await speaker('alan', 'enigma'), await speaker('hedy', 'spectrum')];
    const say = async (from: number, to: number) => {
      for (let number = from; number <= to; number++) {
        await speakers[number % 2]!.request('say', { nonce: crypto.randomUUID(), text: `number ${number}` });
      }
    };
    await say(1, 38);
    const ada = await visit();
    await ada.signIn('ada');
    await ada.sees('number 38');
    // The newest page; there are earlier ones.
    expect((await ada.messages())[0]).toBe('number 9');

    const { log } = ada;
    const isAtEnd = () =>
      log.evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight < 2);
    await expect.poll(isAtEnd).toBe(true);
    // The page's own listener was added before, so that it has run when this one does.
    await log.evaluate(
      (element) =>
        new Promise<void>((resolve) => {
          element.addEventListener('scroll', () => resolve(), { once: true });
          element.scrollTo(0, 0);
        }),
    );
    await say(39, 40);
    await ada.button('2 new messages').waitFor();
    expect(await log.evaluate((element) => element.scrollTop)).toBe(0);
    await ada.screenshot('new-messages');

    await ada.button('Show earlier messages').click();
    // "number 1" is also a part of "number 10", which was there before.
    await expect.poll(() => ada.messages()).toEqual(Array.from({ length: 40 }, (_, index) => `number ${index + 1}`));
    await ada.button('Show earlier messages').waitFor({ state: 'hidden' });
    // The messages in view have not moved.
    expect(await log.evaluate((element) => element.scrollTop)).toBeGreaterThan(0);
    await ada.button('2 new messages').click();
    await ada.button('2 new messages').waitFor({ state: 'hidden' });
    await expect.poll(isAtEnd).toBe(true);
  });

  it('shows a failure to send next to the message', async () => {
    const ada = await visit();
    await ada.signIn('ada');
    await ada.composer.fill('x'.repeat(1_001));
    await ada.reads('1 character too many');
    await ada.composer.press('Enter');
    expect(await ada.messages()).toEqual([]);

    for (let number = 1; number <= 20; number++) await ada.say(`number ${number}`);
    await ada.sees('number 20');
    await ada.say('one too many');
    await ada.reads('Not sent: Too many messages, wait a few seconds');
    await ada.screenshot('not-sent');
    await expectAccessible(ada);
    await ada.button('Discard').click();
    await ada.page.getByText('one too many').waitFor({ state: 'hidden' });
  });

  /** Somebody without a page. */
  async function speaker(name: string, password: string): Promise<WebwireClient<ChatApi>> {
    const client = new WebwireClient<ChatApi>(() => withTicket(`${chatroom.url}chat`), { webSocket: WebSocket });
    onTestFinished(() => client.close());
    await client.request('signIn', { name, password });
    return client;
  }
});
