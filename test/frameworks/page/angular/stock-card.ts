import { Component, signal } from '@angular/core';
import { client } from '../client';
import { injectConnection, injectReply, injectStream, onServerSignal } from './webwire';

@Component({
  selector: 'stock-card',
  template: `
    <p role="status">{{ connection().status }}</p>
    <label>
      Company
      <select #choice [value]="symbol()" (change)="symbol.set(choice.value)">
        <option>ACME</option>
        <option>INIT</option>
        <option>NONE</option>
      </select>
    </label>
    <h2>{{ company().data?.body?.name ?? company().error ?? 'loading' }}</h2>
    <p>Price: {{ tick().data?.body?.price ?? tick().error ?? 'unknown' }}</p>
    <p>News: {{ news() }}</p>
  `,
})
export class StockCard {
  readonly symbol = signal('ACME');
  readonly news = signal('none');
  readonly connection = injectConnection();
  readonly company = injectReply((abort) => client.request('company', { symbol: this.symbol() }, { signal: abort }));
  readonly tick = injectStream((abort) => client.stream('ticks', { symbol: this.symbol() }, { signal: abort }));

  constructor() {
    onServerSignal('news', ({ body }) => this.news.set(body));
  }
}
