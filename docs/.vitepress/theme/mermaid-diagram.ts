import { useData } from 'vitepress';
import { defineComponent, h, onMounted, ref, useId, watch } from 'vue';

/** Draws a diagram in the browser. Until it is drawn, and without JavaScript, its source is shown. */
export const MermaidDiagram = defineComponent({
  props: { source: { type: String, required: true } },
  setup({ source }) {
    const { isDark } = useData();
    const id = `diagram-${useId()}`;
    const svg = ref('');

    async function draw(): Promise<void> {
      // Only pages with a diagram load this. It sets a global variable.
      await import('@mermaid-js/tiny');
      const { mermaid } = globalThis as unknown as { mermaid: Mermaid };
      mermaid.initialize({ startOnLoad: false, theme: isDark.value ? 'dark' : 'neutral', fontFamily: 'inherit' });
      svg.value = (await mermaid.render(id, source)).svg;
    }

    onMounted(() => watch(isDark, draw, { immediate: true }));
    return () =>
      svg.value ? h('div', { class: 'diagram', innerHTML: svg.value }) : h('pre', { class: 'diagram' }, source);
  },
});

interface Mermaid {
  initialize(options: object): void;
  render(id: string, source: string): Promise<{ svg: string }>;
}
