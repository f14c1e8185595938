import { slug } from 'github-slugger';
import { defineConfig } from 'vitepress';
import { checkLinks } from './check-links.js';
import { OUTPUT, PAGES, SITE } from './folders.js';
import { sidebar, writePages } from './pages.js';

writePages();

export default defineConfig({
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
      const fence = md.renderer.rules.fence!;
      md.renderer.rules.fence = (tokens, index, ...rest) => {
        const { info, content } = tokens[index]!;
        if (info !== 'mermaid') return fence(tokens, index, ...rest);
        return `<MermaidDiagram source="${md.utils.escapeHtml(content)}" />`;
      };
    },
  },
  themeConfig: {
    nav: [
      { text: 'Getting started', link: '/getting-started' },
      { text: 'Protocol', link: '/PROTOCOL' },
      { text: 'Changes', link: '/changelog' },
    ],
    sidebar: sidebar(),
    outline: [2, 3],
    search: { provider: 'local' },
  },
  buildEnd: () => checkLinks(),
});
