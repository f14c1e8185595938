import { rmSync } from 'node:fs';
import { slug } from 'github-slugger';
import type { ConfigEnv } from 'vite';
import type { DefaultTheme, UserConfig } from 'vitepress';
import { checkLinks } from './check-links.js';
import { OUTPUT, PAGES, SITE } from './folders.js';
import { diagrams, labelledCells } from './markdown.js';
import { descriptionOf, sidebar, writePages } from './pages.js';
import { referenceSidebars, writeReference } from './reference.js';

/** Two arrows: a message in each direction. */
const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#3451b2"/>
<path d="M7 12h18l-5-5M25 20H7l5 5" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"/></svg>`;

const site: UserConfig<DefaultTheme.Config> = {
  title: 'nestjs-webwire',
  description: 'WebWire for NestJS: request/reply and signals over a binary WebSocket protocol',
  lang: 'en-GB',
  // As a URL of its own data, the icon needs no request, at whichever path the site is.
  head: [['link', { rel: 'icon', href: `data:image/svg+xml,${encodeURIComponent(ICON)}` }]],
  srcDir: PAGES,
  srcExclude: ['public/**'],
  outDir: SITE,
  cacheDir: `${OUTPUT}/cache`,
  markdown: {
    // The documents link to the anchors that GitHub makes.
    anchor: { slugify: slug },
    config(md) {
      md.use(diagrams).use(labelledCells);
    },
  },
  themeConfig: {
    nav: [
      { text: 'Getting started', link: '/getting-started' },
      { text: 'API reference', link: '/reference/', activeMatch: '^/reference/' },
      { text: 'Protocol', link: '/PROTOCOL' },
      { text: 'Changes', link: '/changelog' },
    ],
    outline: [2, 3],
    search: {
      provider: 'local',
      options: {
        // The pages explain, so they come before the reference.
        miniSearch: {
          // VitePress writes these functions into the pages, so they cannot call others.
          searchOptions: {
            boostDocument: (id: string) => (id.includes('/reference/') ? 0.3 : 1),
            tokenize: (query: string) => query.split(/[^\p{L}\p{N}_]+/u),
          },
          options: {
            // A name is found by its words as well: `readTimeout` by "timeout".
            tokenize: (text: string) =>
              text.split(/[^\p{L}\p{N}_]+/u).flatMap((name) => {
                const words = name.split(/_|(?<=[a-z])(?=[A-Z])/);
                return words.length > 1 ? [name, ...words] : words;
              }),
          },
        },
      },
    },
  },
  // Each page has its own data, and the index of the search is loaded when it opens.
  vite: { build: { chunkSizeWarningLimit: 2_000 } },
  transformPageData: ({ relativePath }) => {
    const description = descriptionOf(relativePath);
    return description ? { description } : {};
  },
  transformHead: ({ title, description }) => [
    ['meta', { property: 'og:type', content: 'website' }],
    ['meta', { property: 'og:site_name', content: 'nestjs-webwire' }],
    ['meta', { property: 'og:title', content: title }],
    ['meta', { property: 'og:description', content: description }],
  ],
  buildEnd: ({ site: { base } }) => checkLinks(base),
};

/** Called by `vitepress build` and `vitepress preview`. Only the former writes pages. */
export default async ({ command }: ConfigEnv): Promise<UserConfig<DefaultTheme.Config>> => {
  if (command !== 'build') return site;
  rmSync(OUTPUT, { recursive: true, force: true });
  writePages();
  await writeReference();
  return {
    ...site,
    themeConfig: { ...site.themeConfig, sidebar: { '/': sidebar(), ...referenceSidebars() } },
  };
};
