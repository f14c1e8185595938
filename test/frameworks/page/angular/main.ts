// Compiles the template and the parts of Angular in the browser, without the Angular CLI. It has to be the first import.
// oxlint-disable-next-line import/no-unassigned-import
import '@angular/compiler';
import { bootstrapApplication } from '@angular/platform-browser';
import { StockCard } from './stock-card';

export async function mount(target: HTMLElement): Promise<() => void> {
  target.innerHTML = '<stock-card></stock-card>';
  const app = await bootstrapApplication(StockCard);
  return () => app.destroy();
}
