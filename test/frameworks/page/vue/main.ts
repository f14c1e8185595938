import { createApp } from 'vue';
import StockCard from './StockCard.vue';

export function mount(target: HTMLElement): () => void {
  const app = createApp(StockCard);
  app.mount(target);
  return () => app.unmount();
}
