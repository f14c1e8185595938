import type { Page } from 'playwright-core';
import { onTestFinished } from 'vitest';

/**
 * Makes the test fail if the page throws an error, or writes an error or a warning to its console. Closes the page at the end of the
 * test.
 * @param isExpected Returns `true` for the text of an error that belongs to the test. It is called when the error occurs.
 * @returns A function that reports another error of the page.
 */
export function failOnPageErrors(page: Page, isExpected = (_text: string) => false): (text: string) => void {
  const errors: string[] = [];
  const report = (text: string) => {
    if (!isExpected(text)) errors.push(text);
  };
  page.on('pageerror', ({ message }) => report(message));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) report(message.text());
  });
  onTestFinished(async () => {
    await page.close();
    if (errors.length > 0) throw new Error(`something went wrong in the browser: ${errors.join('\n')}`);
  });
  return report;
}

/** Chromium reports each attempt to connect that fails. */
export function isFailedConnection(text: string): boolean {
  return text.startsWith('WebSocket connection to ');
}
