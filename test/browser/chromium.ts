import { existsSync } from 'node:fs';
import { chromium, type Browser, type LaunchOptions } from 'playwright-core';

const PATH = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';

/** Arguments for a container, root and no background traffic. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** True if these tests can run. In CI they have to. */
export const hasChromium = existsSync(PATH);

export const WITHOUT_CHROMIUM =
  `There is no Chromium at ${PATH}, so nothing was tested in a browser: ` +
  'install it (apt-get install chromium) or set CHROMIUM_PATH to where it is';

/** Timeout of each step in a page, in ms: the machine may be busy. */
export const PATIENCE = 20_000;

export function launchChromium(options: LaunchOptions = {}): Promise<Browser> {
  return chromium.launch({ executablePath: PATH, args: ARGUMENTS, ...options });
}
