import { mount as mountComponent, unmount } from 'svelte';
import StockCard from './StockCard.svelte';

export function mount(target: HTMLElement): () => Promise<void> {
  const card = mountComponent(StockCard, { target });
  return () => unmount(card);
}
