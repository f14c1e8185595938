import { resolve } from 'node:path';

// npm runs the scripts of the package here. This file is bundled into another one, so its own address does not help.
export const ROOT = process.cwd();

/** Everything that `npm run docs` writes. */
export const OUTPUT = resolve(ROOT, '.site');

/** The pages, as VitePress reads them. */
export const PAGES = resolve(OUTPUT, 'pages');

/** The built site. */
export const SITE = resolve(OUTPUT, 'html');
