import { Content, withBase } from 'vitepress';
import { VPHomeContent, VPHomeHero } from 'vitepress/theme';
import { h } from 'vue';

// Those of VitePress have no `main`, to which readers of screens jump.

export function HomePage() {
  return h('main', { class: 'VPHome' }, [h(VPHomeHero), h(VPHomeContent, () => h(Content))]);
}

export function NotFoundPage() {
  return h('main', { class: 'vp-doc not-found' }, [
    h('h1', 'There is no such page'),
    h('p', [
      'It may have another name now: search for its words, or begin at ',
      h('a', { href: withBase('/') }, 'the home page'),
      '.',
    ]),
  ]);
}
