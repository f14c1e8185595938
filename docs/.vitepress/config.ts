import { rmSync } from 'node:fs';
import { slug } from 'github-slugger';
import type { ConfigEnv } from 'vite';
import type { DefaultTheme, UserConfig } from 'vitepress';
import { checkLinks } from './check-links.js';
import { OUTPUT, PAGES, SITE } from './folders.js';
import { diagrams, labelledCells } from './markdown.js';
import { sidebar, writePages } from './pages.js';
import { referenceSidebars, writeReference } from './reference.js';

const site: UserConfig<DefaultTheme.Config> = {
  title: 'nestjs-webwire',
  description: 'WebWire for NestJS: request/reply and signals over a binary WebSocket protocol',
  lang: 'en-GB',
  // The empty icon spares browsers a request for /favicon.ico.
  head: [['link', { rel: 'icon', href: 'data:,' }]],
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
        miniSearch: { searchOptions: { boostDocument: (id: string) => (id.includes('/reference/') ? 0.3 : 1) } },
      },
    },
  },
  // Each page has its own data, and the index of the search is loaded when it opens.
  vite: { build: { chunkSizeWarningLimit: 2_000 } },
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
