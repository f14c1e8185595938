import mermaidUrl from '@mermaid-js/tiny/dist/mermaid.tiny.js?url';
import { useData } from 'vitepress';
import { defineComponent, h, onMounted, ref, useId, watch } from 'vue';

interface Mermaid {
  initialize(options: object): void;
  render(id: string, source: string): Promise<{ svg: string }>;
}

/** The stylesheet shrinks diagrams where they remain readable. */
const SIZE = { useMaxWidth: false };

let loading: Promise<Mermaid> | undefined;

/** Loads the library, which is no module: it sets a global variable. Only pages with a diagram need it. */
function loadMermaid(): Promise<Mermaid> {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = mermaidUrl;
    script.addEventListener('load', () => resolve((globalThis as unknown as { mermaid: Mermaid }).mermaid));
    script.addEventListener('error', () => reject(new Error(`could not load ${mermaidUrl}`)));
    document.head.append(script);
  });
  return loading;
}

/** Draws a diagram in the browser. Until it is drawn, and without JavaScript, its source is shown. */
export const MermaidDiagram = defineComponent({
  props: { source: { type: String, required: true } },
  setup({ source }) {
    const { isDark } = useData();
    const id = `diagram-${useId()}`;
    const svg = ref('');

    async function draw(): Promise<void> {
      const mermaid = await loadMermaid();
      mermaid.initialize({
        startOnLoad: false,
        theme: isDark.value ? 'dark' : 'neutral',
        // Notes and labels of the dark theme are grey on grey otherwise.
        themeVariables: isDark.value ? { noteTextColor: '#fff', edgeLabelBackground: '#333' } : {},
        fontFamily: 'inherit',
        // Texts as HTML would have the lines of the page, not those that were measured.
        htmlLabels: false,
        flowchart: SIZE,
        sequence: SIZE,
        state: SIZE,
      });
      svg.value = (await mermaid.render(id, source)).svg;
    }

    onMounted(() => watch(isDark, draw, { immediate: true }));
    return () =>
      svg.value ? h('div', { class: 'diagram', innerHTML: svg.value }) : h('pre', { class: 'diagram' }, source);
  },
});
