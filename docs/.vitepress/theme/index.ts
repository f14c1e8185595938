import type { Theme } from 'vitepress';
import DefaultTheme from 'vitepress/theme';
import { h } from 'vue';
import { HomePage, NotFoundPage } from './layouts.js';
import { MermaidDiagram } from './mermaid-diagram.js';
// oxlint-disable-next-line import/no-unassigned-import -- a stylesheet has no exports
import './style.css';

export default {
  extends: DefaultTheme,
  Layout: () => h(DefaultTheme.Layout, null, { 'not-found': NotFoundPage }),
  enhanceApp({ app }) {
    // VitePress takes it for the pages of this layout.
    app.component('home', HomePage);
    app.component('MermaidDiagram', MermaidDiagram);
  },
} satisfies Theme;
