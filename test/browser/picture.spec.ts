import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Chatroom } from '../support/chatroom.js';
import { hasChromium, launchChromium } from './chromium.js';
import { encodePalettePng } from './palette-png.js';
import { SCREENSHOTS, Visitor } from './visitor.js';

const PICTURE = fileURLToPath(new URL('../../docs/chat-room.png', import.meta.url));

const WINDOW = { width: 490, height: 606 };
const GAP = 20;
const WIDTH = 2 * WINDOW.width + GAP;

/** Who says what, and the time that the picture shows for it, so that it does not change. */
const CONVERSATION = [
  ['ada', 'Has anybody looked at the engine?', '09:14'],
  ['grace', 'There was a moth in relay 70.', '09:15'],
  ['grace', 'I taped it into the logbook: https://example.org/logbook', '09:15'],
  ['ada', 'So it was a bug!', '09:16'],
  ['grace', 'The first one with wings. The engine is back, please try again.', '09:17'],
] as const;

it('the picture of the chat room in the README is small', async () => {
  const picture = await readFile(PICTURE);
  expect(picture.readUInt32BE(16)).toBe(WIDTH);
  expect(picture.length).toBeLessThanOrEqual(60_000);
});

describe.skipIf(!hasChromium)('the picture of the chat room', { timeout: 60_000 }, () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  }, 60_000);
  afterAll(() => browser.close());

  /** Two windows next to each other, with round corners and thin borders. */
  async function inOnePicture(windows: readonly Buffer[]): Promise<Buffer> {
    const page = await browser.newPage({ viewport: WINDOW });
    const pixels = await page.evaluate(
      async ({ images, width, height, step }) => {
        const canvas = new OffscreenCanvas(width, height);
        const context = canvas.getContext('2d')!;
        for (const [index, data] of images.entries()) {
          const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
          context.save();
          context.beginPath();
          context.roundRect(index * step, 0, image.width, height, 12);
          context.clip();
          context.drawImage(image, index * step, 0);
          context.restore();
          context.strokeStyle = '#c4c7d0';
          context.beginPath();
          context.roundRect(index * step + 0.5, 0.5, image.width - 1, height - 1, 12);
          context.stroke();
        }
        const { data } = context.getImageData(0, 0, width, height);
        return Array.from(data, (value) => String.fromCharCode(value)).join('');
      },
      {
        images: windows.map((window) => window.toString('base64')),
        width: WIDTH,
        height: WINDOW.height,
        step: WINDOW.width + GAP,
      },
    );
    return encodePalettePng(Buffer.from(pixels, 'latin1'), WIDTH);
  }

  it('is taken of two people who talk', async () => {
    const chatroom = await Chatroom.start();
    const open = (colorScheme: 'light' | 'dark') =>
      Visitor.open(chatroom, browser, { viewport: WINDOW, colorScheme, reducedMotion: 'reduce' });
    const people = { ada: await open('light'), grace: await open('dark') };
    await people.ada.signIn('ada');
    await people.grace.signIn('grace');
    await people.ada.seesPeople('Ada', 'Grace');
    for (const [name, text] of CONVERSATION) {
      await people[name].say(text);
      for (const visitor of Object.values(people)) await visitor.sees(text);
    }
    await people.grace.composer.pressSequentially('Run it with the');
    await people.ada.reads('Grace is typing…');

    const times = CONVERSATION.map(([, , time]) => time);
    const windows: Buffer[] = [];
    for (const { page, log } of Object.values(people)) {
      await log.locator('time').evaluateAll((elements, texts) => {
        for (const [index, element] of elements.entries()) element.textContent = texts[index]!;
      }, times);
      windows.push(await page.screenshot({ caret: 'hide', animations: 'disabled' }));
    }
    await mkdir(SCREENSHOTS, { recursive: true });
    await writeFile(`${SCREENSHOTS}/chat-room.png`, await inOnePicture(windows));
  });
});
